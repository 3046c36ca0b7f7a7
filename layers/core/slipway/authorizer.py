"""`@authorizer("http", uses=(DATABASE,))`: says who is calling, before a route or `$connect` is invoked.

The body takes the credential (a bearer token, or a socket ticket) and returns the caller's context, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from slipway.capabilities import Capability
from slipway.function import Event, Function, Spec, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerSpec(Spec):
    api: Literal["http", "socket"]
    cache_seconds: int


class Authorizer(Function):
    kind: ClassVar[str] = "authorizer"
    spec: AuthorizerSpec

    def __call__(self, event: Event, context: Any) -> dict[str, Any]:
        """HTTP API: the simple response. WebSocket API: an IAM policy, the only form that API knows."""
        from slipway import trigger

        return trigger.authorize(self, event, context)


def authorizer(
    api: Literal["http", "socket"],
    *,
    uses: tuple[Capability[Any], ...] = (),
    cache_seconds: int = 0,
    memory: int = 512,
    timeout: int = 10,
) -> Callable[[Callable[[str], dict[str, str] | None]], Authorizer]:
    def declare(body: Callable[[str], dict[str, str] | None]) -> Authorizer:
        common = identify(body, uses, memory, timeout)
        return Authorizer(AuthorizerSpec(**common, api=api, cache_seconds=cache_seconds), body)

    return declare
