"""Give a member another role."""

from __future__ import annotations

from slipway import members
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId, UserId
from slipway.route import route


@route("PATCH /v1/teams/{team_id}/members/{user_id}", allow="member:update", uses=(DATABASE, BROADCAST_QUEUE))
def update(
    caller: Caller, tx: Transaction, team_id: TeamId, user_id: UserId, change: members.MemberChange
) -> members.Member:
    return members.update(tx, caller, user_id, change)
