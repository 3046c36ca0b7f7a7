"""Log out everywhere else; with `all=true` here too."""

from __future__ import annotations

from slipway import sessions
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("DELETE /v1/me/sessions", allow="self", uses=(DATABASE,), status=204)
def revoke_all(caller: Caller, tx: Transaction, all: bool = False) -> None:
    sessions.log_out_everywhere(tx, caller, here_too=all)
