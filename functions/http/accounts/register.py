"""Register: log in at once, or get a letter whose link finishes it.

201 with a session where registration is open: the address is then to be verified by the letter's link. 202 where a
letter must be opened first (`SLIPWAY_REGISTRATION=confirmed`): the same answer for every address, and the password is asked
again then, so that nobody has a password to an address that is not theirs.
"""

from __future__ import annotations

from slipway import accounts
from slipway.caller import Caller
from slipway.capabilities import DATABASE, INQUIRIES_QUEUE, MAIL_QUEUE, SIGNING_KEYS
from slipway.inquiries import Accepted
from slipway.reply import Reply
from slipway.route import route
from slipway.sessions import Session

USES = (DATABASE, SIGNING_KEYS, MAIL_QUEUE, INQUIRIES_QUEUE)


@route("POST /v1/auth/register", allow="public", uses=USES, status=201, memory=1024, throttle=100, rate="login")
def register(caller: Caller, registration: accounts.Registration) -> Reply[Session | Accepted]:
    made = accounts.register(registration, caller.origin)
    return Reply(made, status=202 if isinstance(made, Accepted) else 201)
