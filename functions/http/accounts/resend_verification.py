"""Send the letter that verifies one's e-mail address again; its older link ends.

At most once a minute. Nothing is sent when the address is verified already.
"""

from __future__ import annotations

from slipway import email_addresses
from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.db import Transaction
from slipway.inquiries import Accepted
from slipway.route import route


@route("POST /v1/auth/verify-email/resend", allow="self", uses=(DATABASE, MAIL_QUEUE), status=202)
def resend_verification(caller: Caller, tx: Transaction) -> Accepted:
    return email_addresses.resend(tx, caller)
