"""Register and log in."""

from __future__ import annotations

from typing import Annotated

from slipway import accounts
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.http import Header
from slipway.route import route


@route("POST /v1/auth/register", allow="public", uses=(DATABASE, SIGNING_KEYS), status=201, memory=1024, throttle=100)
def register(
    registration: accounts.Registration, user_agent: Annotated[str, Header("User-Agent")] = ""
) -> accounts.Session:
    return accounts.register(registration, user_agent)
