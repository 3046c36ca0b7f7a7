"""Unlink an identity from one's account, unless it is the last way to log in."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.oidc import identities
from slipway.route import route


# The id is text here: it is one's own, and no team's resource that a role would be looked up for.
@route("DELETE /v1/me/identities/{identity_id}", allow="self", uses=(DATABASE,), status=204)
def unlink(caller: Caller, tx: Transaction, identity_id: str) -> None:
    identities.unlink(tx, caller, identity_id)
