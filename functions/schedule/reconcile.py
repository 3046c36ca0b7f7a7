"""End or requeue every run that is past its lease or deadline."""

from __future__ import annotations

from slipway.capabilities import BROADCAST_QUEUE, DATABASE, RUNS_QUEUE
from slipway.runs import reconcile as runs
from slipway.schedule import schedule


@schedule("rate(1 minute)", uses=(DATABASE, RUNS_QUEUE, BROADCAST_QUEUE))
def reconcile() -> None:
    runs.all()
