"""`@queue(RUNS, uses=(DATABASE,))`: the consumer of one SQS queue, called once per message.

The body takes one pydantic model, parsed from the message. Raising returns that one message to the queue and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway import catalogue
from slipway.capabilities import Capability
from slipway.function import Event, Function, Spec, identify


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSpec(Spec):
    queue: catalogue.Queue
    concurrency: int  # batches in work at the same time


class Queue(Function):
    kind: ClassVar[str] = "queue"
    spec: QueueSpec

    def __call__(self, event: Event, context: Any) -> dict[str, Any]:
        """An SQS event to `{"batchItemFailures": […]}` (ReportBatchItemFailures)."""
        from slipway import trigger

        return trigger.records(self, event, context)


def queue(
    source: catalogue.Queue,
    *,
    uses: tuple[Capability[Any], ...] = (),
    concurrency: int = 10,
    memory: int = 512,
    timeout: int = 10,
) -> Callable[[Callable[..., Any]], Queue]:
    def declare(body: Callable[..., Any]) -> Queue:
        common = identify(body, uses, memory, timeout)
        return Queue(QueueSpec(**common, queue=source, concurrency=concurrency), body)

    return declare
