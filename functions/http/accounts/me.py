"""Who is logged in.

With `email_verified_at` null a person can do everything but invite others.
"""

from __future__ import annotations

from slipway import users
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /v1/me", allow="account", uses=(DATABASE,))
def me(caller: Caller, tx: Transaction) -> users.User:
    return users.get(tx, caller.user_id)
