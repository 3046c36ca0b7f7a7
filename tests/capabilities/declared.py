"""Functions whose bodies are a test's, and the consumers that call them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from slipway import catalogue

from stacks.local import queues, sessions
from stacks.local.consumers import Consumers
from stacks.local.machine import Machine

BRIEF = catalogue.Queue("runs", "ephemeral", 1, 2, 10, "")
EMPTY = queues.Counts(0, 0, 0, 0)


class Declared:
    """A declared function whose body is a test's: it records what it is called with."""

    def __init__(self, body: Callable[[Any, Any], Any], **spec: Any) -> None:
        common = {"name": "tests_function", "module": "functions.tests.function", "memory": 512, "timeout": 10}
        self.spec = SimpleNamespace(**{**common, **spec})
        self.calls: list[Any] = []
        self.body = body

    def __call__(self, event: Any, context: Any) -> Any:
        self.calls.append(event)
        return self.body(event, context)


def consumer(body: Callable[[Any, Any], Any], queue: catalogue.Queue = BRIEF, concurrency: int = 4) -> Declared:
    return Declared(body, queue=queue, concurrency=concurrency)


@contextmanager
def consuming(
    machine: Machine,
    queue: Sequence[Declared] = (),
    schedule: Sequence[Declared] = (),
    event: Sequence[Declared] = (),
    **options: Any,
) -> Iterator[Consumers]:
    consumers = Consumers(machine, cast(Any, queue), cast(Any, schedule), cast(Any, event), **options)
    consumers.start()
    try:
        yield consumers
    finally:
        consumers.finish(2.0)


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def counts(machine: Machine, queue: str = "runs") -> queues.Counts:
    return sessions.run(machine.owner_url, lambda c: queues.counts(c, queue))
