"""Make another member an owner in one's own place."""

from __future__ import annotations

from slipway import members
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("POST /v1/teams/{team_id}/transfer", allow="team:transfer", uses=(DATABASE, BROADCAST_QUEUE))
def transfer(caller: Caller, tx: Transaction, team_id: TeamId, transfer: members.Transfer) -> members.Member:
    return members.transfer(tx, caller, transfer)
