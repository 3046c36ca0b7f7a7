"""Put a team back to its plan's limit."""

from __future__ import annotations

from slipway import entitlements
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.entitlements import MeterName
from slipway.ids import TeamId
from slipway.route import route


@route("DELETE /v1/operator/teams/{team_id}/limits/{meter}", allow="operator", uses=(DATABASE,), status=204)
def clear_limit(caller: Caller, tx: Transaction, team_id: TeamId, meter: MeterName) -> None:
    entitlements.clear_limit(tx, caller, team_id, meter)
