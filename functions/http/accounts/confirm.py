"""Finish a registration with the token of its letter, and log in."""

from __future__ import annotations

from slipway import accounts
from slipway.caller import Caller
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.route import route
from slipway.sessions import Session

USES = (DATABASE, SIGNING_KEYS)


@route("POST /v1/auth/register/confirm", allow="public", uses=USES, status=201, memory=1024, throttle=100, rate="login")
def confirm(caller: Caller, confirmation: accounts.Confirmation) -> Session:
    return accounts.confirm(confirmation, caller.origin)
