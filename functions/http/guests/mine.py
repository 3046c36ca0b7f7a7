"""List the workspaces that the caller is a guest of."""

from __future__ import annotations

from slipway import guests
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/me/workspaces", allow="account", uses=(DATABASE,))
def mine(
    caller: Caller, tx: Transaction, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[guests.GuestWorkspace]:
    return guests.mine(tx, caller, limit, cursor)
