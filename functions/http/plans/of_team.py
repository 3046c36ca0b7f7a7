"""Read a team's plan, its limits and what is used of them."""

from __future__ import annotations

from slipway import entitlements
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("GET /v1/teams/{team_id}/plan", allow="team:read", uses=(DATABASE,))
def of_team(caller: Caller, tx: Transaction, team_id: TeamId) -> entitlements.TeamPlan:
    return entitlements.get(tx, caller.team_id)
