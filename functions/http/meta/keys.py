"""The public keys that access tokens are signed with (JWKS)."""

from __future__ import annotations

from slipway import health
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /.well-known/jwks.json", allow="public", uses=(DATABASE,))
def keys(tx: Transaction) -> health.Keys:
    return health.keys(tx)
