"""Log in with e-mail address and password."""

from __future__ import annotations

from typing import Annotated

from slipway import accounts
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.http import Header
from slipway.route import route


@route("POST /v1/auth/login", allow="public", uses=(DATABASE, SIGNING_KEYS), memory=1024, throttle=100, rate="auth")
def login(login: accounts.Login, user_agent: Annotated[str, Header("User-Agent")] = "") -> accounts.Session:
    return accounts.log_in(login, user_agent)
