"""Polls one queue for one consumer, as Lambda's SQS event source mapping does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from slipway import catalogue

from stacks.local import queues, sessions
from stacks.local.outage import Outage
from stacks.local.queues import Message

log = logging.getLogger("slipway.consumers")
POLL_SECONDS = 1.0  # finds delayed and reappearing messages, which nothing announces
MOST_HANGING = 100  # threads that may hang in a function before the queue has none left
RETRY_SECONDS = (0.05, 2.0)  # the first and the longest wait while Postgres is away

Deliver = Callable[[Sequence[Message]], Sequence[Message]]


class Poll(threading.Thread):
    """`deliver` gets a batch and returns what succeeded, which is deleted; the rest reappears when its visibility
    timeout is over. At most `concurrency` batches are in work at a time; one that takes longer than `timeout` seconds
    counts as failed and makes room, though its thread cannot be ended as Lambda ends a function."""

    def __init__(
        self,
        conninfo: str,
        queue: catalogue.Queue,
        deliver: Deliver,
        outage: Outage,
        *,
        concurrency: int,
        timeout: float,
    ) -> None:
        super().__init__(name=f"poll-{queue.name}", daemon=True)
        self.queue = queue
        self.wake = threading.Event()
        self._conninfo = conninfo
        self._deliver = deliver
        self._outage = outage
        self._concurrency = concurrency
        self._slots = threading.Semaphore(concurrency)
        self._workers = ThreadPoolExecutor(concurrency + MOST_HANGING, thread_name_prefix=queue.name)
        self._stopping = threading.Event()
        self._timeout = timeout
        self._deadlines: dict[object, float] = {}  # of the batches in work, each of which holds a slot
        self._lock = threading.Lock()

    def run(self) -> None:
        wait = RETRY_SECONDS[0]
        while True:
            while not self._slots.acquire(timeout=POLL_SECONDS):
                self._give_up()
            if self._stopping.is_set():
                self._slots.release()
                return
            self.wake.clear()  # before looking, so that no message arrives unseen in between
            try:
                batch = self._receive()
            except psycopg.Error as error:
                self._slots.release()
                self._outage.began(error)
                self._stopping.wait(wait)
                wait = min(wait * 2, RETRY_SECONDS[1])
                continue
            wait = RETRY_SECONDS[0]
            self._outage.ended()
            if batch:
                self._begin(batch)
            else:
                self._slots.release()
                self.wake.wait(POLL_SECONDS)

    def stop(self) -> None:
        """Receive no more."""
        self._stopping.set()
        self.wake.set()

    def finish(self, deadline: float) -> bool:
        """After `stop`, wait for the batches in work until `deadline` (monotonic); whether all ended."""
        ended = True
        for _ in range(self._concurrency):
            ended = self._slots.acquire(timeout=max(0.0, deadline - time.monotonic())) and ended
        for _ in range(self._concurrency):
            self._slots.release()  # lets the thread see that it is to stop
        self._workers.shutdown(wait=False, cancel_futures=True)
        return ended

    def _receive(self) -> list[Message]:
        return sessions.run(
            self._conninfo, lambda c: queues.receive(c, self.queue, self.queue.batch_size), durable=False
        )

    def _begin(self, batch: Sequence[Message]) -> None:
        ticket = object()
        self._deadlines[ticket] = time.monotonic() + self._timeout
        self._workers.submit(self._work, batch, ticket)

    def _work(self, batch: Sequence[Message], ticket: object) -> None:
        try:
            done = [message.receipt for message in self._deliver(batch)]
            if done and ticket in self._deadlines:
                sessions.run(self._conninfo, lambda c: queues.delete(c, done), durable=False, patience=5.0)
        except Exception:
            log.exception("a batch of %s returns to the queue", self.queue.name)
        finally:
            self._end(ticket)

    def _end(self, ticket: object) -> bool:
        """Give the batch's slot back, once; whether it was still held."""
        with self._lock:
            held = self._deadlines.pop(ticket, None) is not None
        if held:
            self._slots.release()
        return held

    def _give_up(self) -> None:
        """On batches whose time is over; they come again, as after a Lambda's timeout."""
        now = time.monotonic()
        for ticket, deadline in list(self._deadlines.items()):
            if deadline < now and self._end(ticket):
                log.error(
                    "a batch of %s was not done after %s s and returns to the queue", self.queue.name, self._timeout
                )
