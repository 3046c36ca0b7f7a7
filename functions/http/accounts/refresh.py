"""Exchange a refresh token for the next pair of tokens."""

from __future__ import annotations

from slipway import sessions
from slipway.caller import Caller
from slipway.capabilities import DATABASE, SIGNING_KEYS
from slipway.route import route


@route("POST /v1/auth/refresh", allow="public", uses=(DATABASE, SIGNING_KEYS))
def refresh(caller: Caller, refresh: sessions.Refresh) -> sessions.Session:
    return sessions.refresh(refresh, caller.origin)
