"""Say who sends an HTTP request: a user by access token, a worker by run token."""

from __future__ import annotations

from slipway import credentials
from slipway.authorizer import authorizer
from slipway.capabilities import DATABASE


@authorizer("http", uses=(DATABASE,), cache_seconds=60)
def http(header: str) -> dict[str, str]:
    return credentials.bearer(header)
