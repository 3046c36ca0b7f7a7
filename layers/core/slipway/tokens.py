"""Random tokens: refresh tokens, socket tickets, run tokens. Shown once, kept as a hash. Signed ones: access_tokens."""

from __future__ import annotations

import hashlib
import secrets

RUN_PREFIX = "slp_run_"


def hashed(token: str) -> bytes:
    """How an opaque token is kept: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def opaque(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)
