"""Delete one's account, and the teams of which one is the only member.

Refused with `last_owner` while a team with other members has no other owner. What others keep shows the id of the person, which
is nobody's then.
"""

from __future__ import annotations

from slipway import departures
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, MAIL_QUEUE
from slipway.db import Transaction
from slipway.route import route

USES = (DATABASE, BROADCAST_QUEUE, MAIL_QUEUE)


@route("DELETE /v1/me", allow="self", uses=USES, status=204, memory=1024, timeout=29, rate="password")
def delete(caller: Caller, tx: Transaction, departure: departures.Departure) -> None:
    departures.delete(tx, caller, departure)
