"""Get a ticket for one WebSocket connection."""

from __future__ import annotations

from slipway import connections
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("POST /v1/socket/tickets", allow="account", uses=(DATABASE,), status=201, idempotency="none")
def ticket(caller: Caller, tx: Transaction) -> connections.Ticket:
    return connections.ticket(tx, caller)
