"""Read a run."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import run


@route("GET /v1/runs/{run_id}", allow="run:read", uses=(DATABASE,))
def get(caller: Caller, tx: Transaction, run_id: RunId) -> run.Run:
    return run.get(tx, caller, run_id)
