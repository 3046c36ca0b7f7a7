"""`@route("POST /v1/workspaces/{workspace_id}/projects", allow="project:create", uses=(DATABASE,), status=201)`"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from slipway.capabilities import DATABASE, Capability
from slipway.function import Event, Function, Spec, identify

if TYPE_CHECKING:
    from slipway.binding import Binding


Idempotency = Literal["none", "optional", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec(Spec):
    """`allow` is a permission of `slipway.permissions`, or one of its words for who needs no role.

    `rate` is the class whose limits count ("" none). `idempotency`: whether a retry may say so with `Idempotency-Key`.
    """

    method: str
    path: str
    allow: str
    status: int
    throttle: int  # requests per second at the gateway, a fuse and not a limit
    rate: str
    idempotency: Idempotency

    @property
    def key(self) -> str:
        """API Gateway's route key, which is also how the declaration writes it."""
        return f"{self.method} {self.path}"


class Route(Function):
    kind: ClassVar[str] = "http"
    spec: RouteSpec

    @cached_property
    def binding(self) -> Binding:
        """How the event's parts become the body's arguments; built at the first call, never at import."""
        from slipway.binding import Binding

        return Binding(self)

    def __call__(self, event: Event, context: Any) -> dict[str, Any]:
        from slipway import http

        return http.handle(self, event, context)


def route(
    key: str,
    *,
    allow: str,
    uses: tuple[Capability[Any], ...] = (),
    status: int = 200,
    memory: int = 512,
    timeout: int = 10,
    throttle: int = 10_000,
    rate: str | None = None,
    idempotency: Idempotency | None = None,
) -> Callable[[Callable[..., Any]], Route]:
    """By default reads and writes count apart, and a POST that needs a credential may be retried with a key.

    Say idempotency="none" where the answer has a secret: what is not kept cannot leak.
    """
    method, path = key.split(" ")
    known = allow not in ("public", "run:report")
    if rate is None:  # the buckets are rows
        rate = ("read" if method == "GET" else "write") if known and DATABASE in uses else ""
    if idempotency is None:
        idempotency = "optional" if method == "POST" and known else "none"
    own: dict[str, Any] = {
        "allow": allow,
        "status": status,
        "throttle": throttle,
        "rate": rate,
        "idempotency": idempotency,
    }

    def declare(body: Callable[..., Any]) -> Route:
        common = identify(body, uses, memory, timeout)
        return Route(RouteSpec(**common, method=method, path=path, **own), body)

    return declare
