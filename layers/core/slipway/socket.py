"""`@socket("room.subscribe", allow="room:read", uses=(DATABASE,))`: one WebSocket action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.capabilities import Capability
from slipway.function import Event, Function, Spec, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSpec(Spec):
    """`action` is a route key of the WebSocket API: "$connect", "$disconnect", "$default" or a message's `action`.

    `allow` is "account" or a permission that the caller needs on the room that the message names.
    """

    action: str
    allow: str


class Socket(Function):
    kind: ClassVar[str] = "socket"
    spec: SocketSpec

    def __call__(self, event: Event, context: Any) -> dict[str, Any]:
        from slipway import frames

        return frames.handle(self, event, context)


def socket(
    action: str, *, allow: str = "account", uses: tuple[Capability[Any], ...] = (), memory: int = 512, timeout: int = 10
) -> Callable[[Callable[..., Any]], Socket]:
    def declare(body: Callable[..., Any]) -> Socket:
        return Socket(SocketSpec(**identify(body, uses, memory, timeout), action=action, allow=allow), body)

    return declare
