"""Say whether the service answers, database included."""

from __future__ import annotations

from slipway import health
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /health", allow="public", uses=(DATABASE,))
def health_(tx: Transaction) -> health.Health:
    return health.check(tx)
