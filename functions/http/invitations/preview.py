"""Read what an invitation's link is about."""

from __future__ import annotations

from slipway import invitations
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


# A token does not belong into a URL: hence a POST, and nothing that a retry could do twice.
@route("POST /v1/invitations/preview", allow="self", uses=(DATABASE,), idempotency="none")
def preview(caller: Caller, tx: Transaction, sent: invitations.Token) -> invitations.Preview:
    return invitations.preview(tx, sent)
