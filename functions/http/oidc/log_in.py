"""Log in with a provider's assertion.

Who is new gets an account, without a password. An account that has the same address is logged in to when both the provider
and we have verified it; otherwise 409: log in with the password, then link the identity.
"""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE, SIGNING_KEYS
from slipway.oidc import entry
from slipway.route import route
from slipway.sessions import Session


@route(
    "POST /v1/oidc/sessions",
    allow="public",
    uses=(DATABASE, SIGNING_KEYS, MAIL_QUEUE),
    throttle=100,
    rate="login",
)
def log_in(caller: Caller, given: entry.Entry) -> Session:
    return entry.log_in(given, caller.origin)
