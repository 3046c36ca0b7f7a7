"""Exchange a refresh token for the next pair of tokens."""

from __future__ import annotations

from slipway import accounts
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.route import route


@route("POST /v1/auth/refresh", allow="public", uses=(DATABASE, SIGNING_KEYS))
def refresh(refresh: accounts.Refresh) -> accounts.Session:
    return accounts.refresh(refresh)
