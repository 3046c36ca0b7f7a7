"""Delete a team with everything in it; `confirm` must be its name."""

from __future__ import annotations

from slipway import teams
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route(
    "DELETE /v1/teams/{team_id}",
    allow="team:delete",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
    timeout=29,
)
def delete(caller: Caller, tx: Transaction, team_id: TeamId, confirm: str) -> None:
    teams.delete(tx, caller, confirm)
