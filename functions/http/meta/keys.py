"""The public keys that access tokens are signed with (JWKS)."""

from __future__ import annotations

from slipway import access_tokens
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.reply import Reply
from slipway.route import route


@route("GET /.well-known/jwks.json", allow="public", uses=(DATABASE,))
def keys(tx: Transaction) -> Reply[access_tokens.Keys]:
    # As long as our own verifiers keep them: a new key signs nothing before that has passed.
    cached = {"cache-control": f"public, max-age={access_tokens.KEYS_SECONDS}"}
    return Reply(access_tokens.key_set(tx), cached)
