"""Leave a team."""

from __future__ import annotations

from slipway import members
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("POST /v1/teams/{team_id}/leave", allow="team:leave", uses=(DATABASE, BROADCAST_QUEUE), status=204)
def leave(caller: Caller, tx: Transaction, team_id: TeamId) -> None:
    members.leave(tx, caller)
