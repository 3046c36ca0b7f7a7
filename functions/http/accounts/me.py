"""Who is logged in."""

from __future__ import annotations

from slipway import accounts
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /v1/me", allow="account", uses=(DATABASE,))
def me(caller: Caller, tx: Transaction) -> accounts.User:
    return accounts.me(tx, caller)
