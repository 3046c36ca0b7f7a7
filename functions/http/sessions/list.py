"""List one's open sessions."""

from __future__ import annotations

from slipway import sessions
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/me/sessions", allow="self", uses=(DATABASE,))
def list(caller: Caller, tx: Transaction, limit: Limit = 20, cursor: Cursor | None = None) -> Page[sessions.Device]:
    return sessions.list(tx, caller, limit, cursor)
