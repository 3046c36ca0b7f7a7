"""A worker says that its run is alive."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import report


@route("POST /v1/worker/runs/{run_id}/heartbeat", allow="run:report", uses=(DATABASE, BROADCAST_QUEUE))
def heartbeat(caller: Caller, tx: Transaction, run_id: RunId, heartbeat: report.Heartbeat) -> report.Heard:
    return report.heartbeat(tx, caller, run_id, heartbeat)
