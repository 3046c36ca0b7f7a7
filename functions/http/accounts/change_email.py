"""Change one's e-mail address: a letter goes to the new one, its link changes it.

The answer does not tell whether the new address has an account.
"""

from __future__ import annotations

from slipway import email_addresses
from slipway.caller import Caller
from slipway.capabilities import DATABASE, INQUIRIES_QUEUE
from slipway.db import Transaction
from slipway.inquiries import Accepted
from slipway.route import route

USES = (DATABASE, INQUIRIES_QUEUE)


# A retry is harmless, and what is kept for one would hash the password without salt.
@route("POST /v1/me/email", allow="self", uses=USES, status=202, memory=1024, rate="password", idempotency="none")
def change_email(caller: Caller, tx: Transaction, change: email_addresses.EmailChange) -> Accepted:
    return email_addresses.change(tx, caller, change)
