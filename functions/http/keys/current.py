"""Read the API key that asks: its team, scopes and expiry; 404 for a login."""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /v1/key", allow="account", uses=(DATABASE,))
def current(caller: Caller, tx: Transaction) -> api_keys.ApiKey:
    return api_keys.current(tx, caller)
