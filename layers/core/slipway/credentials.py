"""What is sent to prove who one is, and the caller's context that it makes."""

from __future__ import annotations

import jwt

from slipway import key_tokens, log
from slipway.access_tokens import Verifier
from slipway.tokens import RUN_PREFIX, hashed

_verifier = Verifier()


def bearer(header: str) -> dict[str, str]:
    """`Authorization: Bearer …`. A credential that is no good makes a nobody with the reason, for the route to word."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return {"kind": "nobody", "reason": "Send Authorization: Bearer and an access token or API key."}
    if token.startswith(RUN_PREFIX):
        return {"kind": "run", "token_hash": hashed(token).hex()}
    if token.startswith(key_tokens.PREFIX):
        return key_tokens.context(token)
    try:
        user_id, session_id = _verifier.verify(token)
    except jwt.ExpiredSignatureError:
        return {"kind": "nobody", "reason": "The access token has expired: exchange the refresh token."}
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        log.info("token_refused", cause=type(error).__name__)
        return {"kind": "nobody", "reason": "The access token is not valid."}
    return {"kind": "user", "user_id": str(user_id), "session_id": str(session_id)}
