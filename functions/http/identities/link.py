"""Link an identity at a provider to one's account: one more way to log in.

An account with a password is asked for it, and its owner gets a letter. 409 when the identity is another account's.
"""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE, SIGNING_KEYS
from slipway.db import Transaction
from slipway.oidc import identities, tickets
from slipway.route import route


@route(
    "POST /v1/me/identities",
    allow="self",
    uses=(DATABASE, SIGNING_KEYS, MAIL_QUEUE),
    status=201,
    memory=1024,
    rate="password",
    idempotency="none",  # what is kept for a retry would hash the password without salt
)
def link(caller: Caller, tx: Transaction, new: identities.NewIdentity) -> identities.Identity:
    return identities.link(tx, caller, tickets.read_assertion(new.assertion), new.password)
