"""End one of one's sessions, its access token included."""

from __future__ import annotations

from slipway import sessions
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import SessionId
from slipway.route import route


@route("DELETE /v1/me/sessions/{session_id}", allow="self", uses=(DATABASE,), status=204)
def revoke(caller: Caller, tx: Transaction, session_id: SessionId) -> None:
    sessions.revoke(tx, caller, session_id)
