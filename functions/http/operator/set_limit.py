"""Give a team another limit than its plan's."""

from __future__ import annotations

from slipway import entitlements
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.entitlements import MeterName
from slipway.ids import TeamId
from slipway.route import route


@route("PUT /v1/operator/teams/{team_id}/limits/{meter}", allow="operator", uses=(DATABASE,))
def set_limit(
    caller: Caller, tx: Transaction, team_id: TeamId, meter: MeterName, new: entitlements.NewLimit
) -> entitlements.TeamPlan:
    return entitlements.set_limit(tx, caller, team_id, meter, new)
