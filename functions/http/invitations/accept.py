"""Accept an invitation."""

from __future__ import annotations

from slipway import invitations
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("POST /v1/invitations/accept", allow="self", uses=(DATABASE, BROADCAST_QUEUE))
def accept(caller: Caller, tx: Transaction, sent: invitations.Token) -> invitations.Joined:
    return invitations.accept(tx, caller, sent)
