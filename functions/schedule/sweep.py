"""Send again what was committed to the outbox and not sent."""

from __future__ import annotations

from slipway import outbox
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, MAIL_QUEUE, RUNS_QUEUE, WORKERS_QUEUE
from slipway.schedule import schedule


@schedule("rate(1 minute)", uses=(DATABASE, RUNS_QUEUE, BROADCAST_QUEUE, WORKERS_QUEUE, MAIL_QUEUE))
def sweep() -> None:
    outbox.sweep()
