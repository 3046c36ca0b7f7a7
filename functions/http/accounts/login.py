"""Log in with e-mail address and password.

After five failures in a row the next attempt must wait, a second at first and a minute at most (429, `Retry-After`): for this
address from this network, whether it has an account or not. The owner is not kept out elsewhere.
"""

from __future__ import annotations

from slipway import logins
from slipway.caller import Caller
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.route import route
from slipway.sessions import Session


@route("POST /v1/auth/login", allow="public", uses=(DATABASE, SIGNING_KEYS), memory=1024, throttle=100, rate="login")
def login(caller: Caller, login: logins.Login) -> Session:
    return logins.log_in(login, caller.origin)
