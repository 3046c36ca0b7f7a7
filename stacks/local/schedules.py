"""Starts jobs by the clock. A row per job remembers its last start, so a restart neither skips one nor doubles it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

from stacks.local import sessions
from stacks.local.outage import Outage
from stacks.local.sessions import Connection

log = logging.getLogger("slipway.consumers")
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """`seconds` between two starts; the first start is one interval after the job is first seen, as EventBridge's."""

    name: str
    seconds: float
    run: Callable[[], None]


def enrol(connection: Connection, jobs: Sequence[Job]) -> None:
    """Start the clock of the jobs that have none yet."""
    connection.execute(
        "insert into local.schedules (name, last_start) select name, now() from unnest(%s::text[]) name"
        " on conflict (name) do nothing",
        ([job.name for job in jobs],),
    )


def claim(connection: Connection, jobs: Sequence[Job]) -> list[str]:
    """The names of the jobs that are due, each to one caller only.

    A job keeps its rhythm; of several starts that were missed one is made up.
    """
    rows = connection.execute(
        "update local.schedules s set last_start = s.last_start + make_interval("
        "   secs => job.seconds * floor(extract(epoch from now() - s.last_start) / job.seconds))"
        " from unnest(%s::text[], %s::float8[]) job(name, seconds)"
        " where s.name = job.name and s.last_start + make_interval(secs => job.seconds) <= now() returning s.name",
        ([job.name for job in jobs], [job.seconds for job in jobs]),
    ).fetchall()
    return [name for (name,) in rows]


class Clock(threading.Thread):
    """Claims due jobs every `tick` seconds and runs them; one that is still running is not started a second time."""

    def __init__(self, conninfo: str, jobs: Sequence[Job], outage: Outage, tick: float = TICK_SECONDS) -> None:
        super().__init__(name="clock", daemon=True)
        self._conninfo = conninfo
        self._jobs = {job.name: job for job in jobs}
        self._outage = outage
        self._tick = tick
        self._stopping = threading.Event()
        self._workers = ThreadPoolExecutor(max(1, len(jobs)), thread_name_prefix="schedule")  # one may hang
        self._running: set[str] = set()
        self._changed = threading.Condition()

    def run(self) -> None:
        enrolled = False
        while not self._stopping.wait(self._tick if enrolled else 0):
            try:
                if not enrolled:
                    sessions.run(self._conninfo, lambda c: enrol(c, list(self._jobs.values())))
                    enrolled = True
                for name in sessions.run(self._conninfo, lambda c: claim(c, list(self._jobs.values()))):
                    self._start(self._jobs[name])
                self._outage.ended()
            except psycopg.Error as error:
                self._outage.began(error)
                self._stopping.wait(self._tick)

    def finish(self, deadline: float) -> bool:
        """Start no more and wait for the running jobs until `deadline` (monotonic); whether all ended."""
        self._stopping.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, max(0.0, deadline - time.monotonic()))

    def _start(self, job: Job) -> None:
        with self._changed:
            if job.name in self._running:
                log.warning("schedule %s is still running: this start is left out", job.name)
                return
            self._running.add(job.name)
        self._workers.submit(self._work, job)

    def _work(self, job: Job) -> None:
        try:
            job.run()
        except Exception:
            log.exception("schedule %s failed; its next start is in %s seconds", job.name, job.seconds)
        finally:
            with self._changed:
                self._running.discard(job.name)
                self._changed.notify_all()
