"""Say who opens a WebSocket: the user whose single-use ticket it brings."""

from __future__ import annotations

from slipway import connections
from slipway.authorizer import authorizer
from slipway.capabilities import DATABASE


@authorizer("socket", uses=(DATABASE,))
def socket(ticket: str) -> dict[str, str] | None:
    return connections.admit(ticket)
