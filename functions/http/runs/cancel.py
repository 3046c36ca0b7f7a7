"""Cancel a run."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, RUNS_QUEUE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import run


@route("POST /v1/runs/{run_id}/cancel", allow="run:cancel", uses=(DATABASE, RUNS_QUEUE, BROADCAST_QUEUE), status=202)
def cancel(caller: Caller, tx: Transaction, run_id: RunId) -> run.Run:
    return run.cancel(tx, caller, run_id)
