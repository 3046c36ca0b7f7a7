"""List a team's workspaces."""

from __future__ import annotations

from slipway import workspaces
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams/{team_id}/workspaces", allow="workspace:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, team_id: TeamId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[workspaces.Workspace]:
    return workspaces.list(tx, caller, limit, cursor)
