"""End this session."""

from __future__ import annotations

from slipway import accounts
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("POST /v1/auth/logout", allow="self", uses=(DATABASE,), status=204)
def logout(caller: Caller, tx: Transaction) -> None:
    accounts.log_out(tx, caller)
