"""Verify an e-mail address, or change it, with the token of a letter.

Who has not verified their address can work, but not invite others (`email_not_verified`).
"""

from __future__ import annotations

from slipway import email_addresses
from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.route import route
from slipway.users import User


@route("POST /v1/auth/verify-email", allow="public", uses=(DATABASE, MAIL_QUEUE), throttle=100, rate="login")
def verify_email(caller: Caller, verification: email_addresses.Verification) -> User:
    return email_addresses.verify(verification, caller.origin)
