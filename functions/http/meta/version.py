"""Name and version of this service."""

from __future__ import annotations

from slipway import health
from slipway.route import route


@route("GET /v1", allow="public")
def version() -> health.Version:
    return health.version()
