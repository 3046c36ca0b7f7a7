"""Give queued runs to warm workers, and tell workers of cancelled ones."""

from __future__ import annotations

from slipway.capabilities import (
    BROADCAST_QUEUE,
    BUNDLES_WRITE,
    DATABASE,
    RUNS_QUEUE,
    WORKER_NETWORK,
    WORKERS_QUEUE,
)
from slipway.catalogue import RUNS
from slipway.queue import queue
from slipway.runs import dispatch
from slipway.runs.run import RunMessage


@queue(RUNS, uses=(DATABASE, RUNS_QUEUE, WORKERS_QUEUE, BROADCAST_QUEUE, BUNDLES_WRITE, WORKER_NETWORK))
def runs(message: RunMessage) -> None:
    dispatch.handle(message)
