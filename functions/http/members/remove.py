"""Remove a member from a team; their keys of the team end."""

from __future__ import annotations

from slipway import members
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId, UserId
from slipway.route import route


@route(
    "DELETE /v1/teams/{team_id}/members/{user_id}",
    allow="member:remove",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
)
def remove(caller: Caller, tx: Transaction, team_id: TeamId, user_id: UserId) -> None:
    members.remove(tx, caller, user_id)
