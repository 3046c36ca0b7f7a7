"""Ask for the letter that resets a password: the same answer for every address.

The link is good for an hour; a letter is sent at most once a minute.
"""

from __future__ import annotations

from slipway import password_changes
from slipway.capabilities import DATABASE, INQUIRIES_QUEUE
from slipway.inquiries import Accepted
from slipway.route import route

USES = (DATABASE, INQUIRIES_QUEUE)


@route("POST /v1/auth/password/reset-request", allow="public", uses=USES, status=202, throttle=100, rate="login")
def request_password_reset(wanted: password_changes.ResetRequest) -> Accepted:
    return password_changes.request_reset(wanted)
