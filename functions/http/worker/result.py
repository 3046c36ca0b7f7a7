"""A worker ends its run with the result."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, RUNS_QUEUE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import report


@route(
    "POST /v1/worker/runs/{run_id}/result", allow="run:report", uses=(DATABASE, BROADCAST_QUEUE, RUNS_QUEUE), status=204
)
def result(caller: Caller, tx: Transaction, run_id: RunId, result: report.FinalResult) -> None:
    report.result(tx, caller, run_id, result)
