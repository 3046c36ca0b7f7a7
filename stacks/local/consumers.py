"""The process that consumes: queues, schedules and events call their functions here, as Lambda does on AWS.

`python -m stacks.local.consumers <data folder>` prints `ready` when it receives. SIGTERM stops receiving and leaves
the batches in work nine seconds; what did not end by then is delivered again. It ends with the process that started it.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import psycopg
from slipway import capabilities, catalogue, clock, discover, settings
from slipway.event import Event
from slipway.queue import Queue
from slipway.schedule import Schedule

from stacks.local import deliveries, events, machine, mailbox, queues, sessions, storage
from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from stacks.local.outage import Outage
from stacks.local.processes import CANNOT_START
from stacks.local.queue_poll import Poll
from stacks.local.queues import Message
from stacks.local.schedules import Clock, Job

log = logging.getLogger("slipway.consumers")
GRACE_SECONDS = 9.0  # the supervisor kills after ten
HOUSEKEEPING_SECONDS = 3600
EVENT_CONCURRENCY = 10
_PR_SET_PDEATHSIG = 1


class Bell(threading.Thread):
    """Listens for sends and wakes the poll of that queue, in milliseconds rather than at its next look."""

    def __init__(self, conninfo: str, polls: Iterable[Poll], outage: Outage) -> None:
        super().__init__(name="bell", daemon=True)
        self._conninfo = conninfo
        self._polls = {poll.queue.name: poll for poll in polls}
        self._outage = outage
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=2) as connection:
                    connection.execute(f"listen {queues.CHANNEL}")
                    self._outage.ended()
                    self._ring_all()  # for what was sent while nobody listened
                    while not self._stopping.is_set():
                        for notice in connection.notifies(timeout=0.5):
                            if poll := self._polls.get(notice.payload):
                                poll.wake.set()
            except psycopg.Error as error:
                self._outage.began(error)
                self._stopping.wait(0.2)

    def stop(self) -> None:
        self._stopping.set()

    def _ring_all(self) -> None:
        for poll in self._polls.values():
            poll.wake.set()


class Consumers:
    """All that one machine consumes, as threads. `pace` divides the schedules' intervals (tests)."""

    def __init__(
        self,
        machine: Machine,
        queue_functions: Sequence[Queue],
        schedule_functions: Sequence[Schedule],
        event_functions: Sequence[Event],
        *,
        event_queue: catalogue.Queue = events.QUEUE,
        pace: float = 1.0,
    ) -> None:
        self._url = machine.owner_url
        outage = Outage()
        self._polls = [
            Poll(
                self._url,
                f.spec.queue,
                partial(_call, f),
                outage,
                concurrency=f.spec.concurrency,
                timeout=f.spec.timeout,
            )
            for f in queue_functions
        ]
        to_events = partial(_deliver_events, self._url, event_functions)
        longest = max((f.spec.timeout for f in event_functions), default=0)
        self._polls.append(
            Poll(self._url, event_queue, to_events, outage, concurrency=EVENT_CONCURRENCY, timeout=longest)
        )
        jobs = [Job(f.spec.name, f.spec.seconds / pace, partial(_start, f)) for f in schedule_functions]
        jobs.append(Job("local.housekeeping", HOUSEKEEPING_SECONDS / pace, partial(housekeeping, machine)))
        self._clock = Clock(self._url, jobs, outage, tick=min(1.0, 10 / pace))
        self._bell = Bell(self._url, self._polls, outage)

    def start(self) -> None:
        for thread in (*self._polls, self._clock, self._bell):
            thread.start()

    def finish(self, seconds: float = GRACE_SECONDS) -> bool:
        """Receive no more, wait for what is in work; whether all of it ended in time."""
        deadline = time.monotonic() + seconds
        self._bell.stop()
        for poll in self._polls:
            poll.stop()
        self._bell.join(1.0)
        return all([*(poll.finish(deadline) for poll in self._polls), self._clock.finish(deadline)])


def _call(function: Queue, batch: Sequence[Message]) -> Sequence[Message]:
    event = deliveries.sqs_event(function.spec.queue.name, batch)
    return deliveries.succeeded(batch, function(event, deliveries.context(function)))


def _start(function: Schedule) -> None:
    event = deliveries.scheduled_event(function.spec.name, clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    function(event, deliveries.context(function))


def _deliver_events(conninfo: str, functions: Sequence[Event], batch: Sequence[Message]) -> Sequence[Message]:
    for message in batch:
        events.deliver(conninfo, functions, message)
    return batch


def housekeeping(machine: Machine) -> None:
    """What S3's lifecycle rules and SQS's retention do on AWS; and old letters, if the machine keeps any."""
    storage.sweep(machine)
    mailbox.sweep(machine)
    sessions.run(machine.owner_url, queues.expire)


def _end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that started it dies; its messages are delivered again."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


def main(arguments: Sequence[str] | None = None) -> None:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m stacks.local.consumers")
    parser.add_argument("data", type=Path, help="the machine's data folder")
    parser.add_argument("--pace", type=float, default=1.0, help="divides the schedules' intervals; for tests")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    _end_with_parent(parent)
    try:
        here = machine.load(options.data)
        queues.create(here.owner_url)
    except (OSError, machine.NewerData, psycopg.Error) as error:
        print(f"consumers cannot start on {options.data}: {error}".replace("\n", " "), file=sys.stderr)
        sys.exit(CANNOT_START)
    settings.apply(here.settings())
    capabilities.provide(provider(here))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    consumers = Consumers(here, discover.queues(), discover.schedules(), discover.events(), pace=options.pace)
    consumers.start()
    print("ready", flush=True)
    stopping.wait()
    ended = consumers.finish()
    if not ended:
        log.warning("some messages were still in work after %s seconds: they are delivered again", GRACE_SECONDS)
    sys.stderr.flush()
    os._exit(0)  # a function that hangs would keep the interpreter waiting for its thread


if __name__ == "__main__":
    main()
