"""Everything that is kept about the person who asks, as one document."""

from __future__ import annotations

from slipway import portability
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("GET /v1/me/export", allow="self", uses=(DATABASE,), timeout=29)
def export(caller: Caller, tx: Transaction) -> portability.Export:
    return portability.export(tx, caller)
