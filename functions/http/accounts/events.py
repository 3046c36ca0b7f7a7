"""List what happened to one's account, newest first: logins, sessions, keys."""

from __future__ import annotations

from slipway import account_events
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/me/events", allow="self", uses=(DATABASE,))
def events(
    caller: Caller, tx: Transaction, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[account_events.AccountEvent]:
    return account_events.list(tx, caller, limit, cursor)
