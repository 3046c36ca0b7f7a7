"""A worker task started or stopped."""

from __future__ import annotations

from slipway import workers
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, RUNS_QUEUE
from slipway.event import event


@event("aws.ecs", "ECS Task State Change", uses=(DATABASE, RUNS_QUEUE, BROADCAST_QUEUE))
def worker_changed(change: workers.TaskChange) -> None:
    workers.changed(change)
