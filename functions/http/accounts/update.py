"""Change one's name."""

from __future__ import annotations

from slipway import users
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("PATCH /v1/me", allow="self", uses=(DATABASE,))
def update(caller: Caller, tx: Transaction, change: users.UserChange) -> users.User:
    return users.update(tx, caller, change)
