"""List a team's members."""

from __future__ import annotations

from slipway import members
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams/{team_id}/members", allow="member:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, team_id: TeamId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[members.Member]:
    return members.list(tx, caller, limit, cursor)
