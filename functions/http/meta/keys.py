"""The public keys that access tokens are signed with (JWKS)."""

from __future__ import annotations

from slipway import access_tokens
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /.well-known/jwks.json", allow="public", uses=(DATABASE,))
def keys(tx: Transaction) -> access_tokens.Keys:
    return access_tokens.key_set(tx)
