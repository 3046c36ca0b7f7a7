"""A worker appends to its run's output."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import report


@route("POST /v1/worker/runs/{run_id}/output", allow="run:report", uses=(DATABASE, BROADCAST_QUEUE))
def output(caller: Caller, tx: Transaction, run_id: RunId, output: report.Output) -> report.Heard:
    return report.output(tx, caller, run_id, output)
