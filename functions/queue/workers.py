"""Start worker tasks when no warm one was free."""

from __future__ import annotations

from slipway import workers
from slipway.capabilities import RUN_TASKS
from slipway.catalogue import WORKERS
from slipway.queue import queue


@queue(WORKERS, uses=(RUN_TASKS,), concurrency=2, timeout=30)
def workers_(message: workers.StartWorkers) -> None:
    workers.start(message)
