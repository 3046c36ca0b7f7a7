"""Set a new password with the token of a letter: every session ends."""

from __future__ import annotations

from slipway import password_changes
from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.route import route

USES = (DATABASE, MAIL_QUEUE)


@route("POST /v1/auth/password/reset", allow="public", uses=USES, status=204, memory=1024, throttle=100, rate="login")
def reset_password(caller: Caller, reset: password_changes.PasswordReset) -> None:
    password_changes.reset(reset, caller.origin)
