"""Change one's password: every other session ends."""

from __future__ import annotations

from slipway import password_changes
from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.db import Transaction
from slipway.route import route

USES = (DATABASE, MAIL_QUEUE)


# What is kept for a retry would hash the passwords without salt.
@route("POST /v1/me/password", allow="self", uses=USES, status=204, memory=1024, rate="password", idempotency="none")
def change_password(caller: Caller, tx: Transaction, change: password_changes.PasswordChange) -> None:
    password_changes.change(tx, caller, change)
