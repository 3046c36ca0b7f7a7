"""List the teams that the caller belongs to."""

from __future__ import annotations

from slipway import teams
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams", allow="account", uses=(DATABASE,))
def list(caller: Caller, tx: Transaction, limit: Limit = 20, cursor: Cursor | None = None) -> Page[teams.Team]:
    return teams.list(tx, caller, limit, cursor)
