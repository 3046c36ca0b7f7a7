"""List a team's open invitations."""

from __future__ import annotations

from slipway import invitations
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams/{team_id}/invitations", allow="invitation:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, team_id: TeamId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[invitations.Invitation]:
    return invitations.list(tx, caller, limit, cursor)
