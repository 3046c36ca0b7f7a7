"""Give a team another plan, now or from a moment on."""

from __future__ import annotations

from slipway import entitlements
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("PUT /v1/operator/teams/{team_id}/plan", allow="operator", uses=(DATABASE,))
def set_plan(caller: Caller, tx: Transaction, team_id: TeamId, new: entitlements.NewPlan) -> entitlements.TeamPlan:
    return entitlements.set_plan(tx, caller, team_id, new)
