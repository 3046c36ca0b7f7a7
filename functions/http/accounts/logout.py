"""End this session, its access token included."""

from __future__ import annotations

from slipway import sessions
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("POST /v1/auth/logout", allow="self", uses=(DATABASE,), status=204)
def logout(caller: Caller, tx: Transaction) -> None:
    sessions.log_out(tx, caller)
