"""The workers of one machine: some kept warm, each good for one job, the platform told of each one's life."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from slipway import log

from stacks.local import task_state
from stacks.local.postgres import ENVIRONMENT
from stacks.local.processes import Backoff
from stacks.local.spawn import Spawned, ending, spawn

CAP_FACTOR = 4  # at most so many times the warm ones exist, busy ones included
READY_SECONDS = 30.0
IDLE_SECONDS = 3600.0
STOP_SECONDS = 5.0

Tell = Callable[[dict[str, Any]], Awaitable[None]]
Note = Callable[[Sequence[str]], None]


@dataclass(eq=False)
class Worker:
    """`busy` from its second line on stdout, or not at all when it ends without saying so."""

    group: str
    task: str = field(default_factory=task_state.new_task)
    busy: bool = False
    reason: str = "Essential container in task exited"


class Fleet:
    """Keeps `warm` workers waiting. `tell` takes a task state and may be slow; `note` is given the tasks that live.

    A worker prints `{"ready": true, "address": "127.0.0.1:4123", …}`, then `{"busy": true}` when it takes its job,
    and exits after it.
    """

    def __init__(
        self, command: Sequence[str], warm: int, tell: Tell, note: Note, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.command = command
        self.warm = warm
        self.tell = tell
        self.note = note
        self.idle_seconds = idle_seconds
        self.workers: dict[Worker, asyncio.Task[None]] = {}
        self.settled = asyncio.Event()  # the first worker is known to the platform, or has failed
        self.stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._backoff = Backoff()
        self._not_before = 0.0

    async def keep(self) -> None:
        """Fill up whenever a worker took a job or ended; runs until cancelled."""
        while True:
            self._changed.clear()
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            while self.waiting() < self.warm and self.room():
                self.add(task_state.SERVICE)
            await self._changed.wait()

    def request(self, count: int) -> None:
        """`count` more, each for one job, as far as there is room; the asker asks again when there was none."""
        for _ in range(count):
            if self.room():
                self.add(task_state.REQUESTED)

    def waiting(self) -> int:
        """The service's workers that start or wait for a job."""
        return sum(1 for worker in self.workers if worker.group == task_state.SERVICE and not worker.busy)

    def room(self) -> bool:
        return len(self.workers) < self.warm * CAP_FACTOR

    def add(self, group: str) -> None:
        worker = Worker(group)
        self.workers[worker] = asyncio.create_task(self._live(worker))
        self._note()

    def _note(self) -> None:
        self.note([worker.task for worker in self.workers])

    async def stop(self) -> None:
        """End all, and tell it; within a little over STOP_SECONDS."""
        self.stopping.set()
        if self.workers:
            await asyncio.wait(list(self.workers.values()), timeout=STOP_SECONDS + 2)

    async def _live(self, worker: Worker) -> None:
        """One worker from its start to its end."""
        try:
            process = await spawn(self.command, environment=environment())
            try:
                await self._see_through(worker, process)
            finally:
                process.sweep()
        except OSError as error:  # no more processes or memory
            self._failed(str(error))
        finally:
            self._waits_no_more(worker)
            del self.workers[worker]
            self._note()

    async def _see_through(self, worker: Worker, process: Spawned) -> None:
        address = await self._ready(process)
        if not address:
            self._failed(ending(await process.end(0)))
            return
        await self.tell(task_state.running(worker.task, worker.group, address))
        self.settled.set()
        await self._work(worker, process)
        code = await process.end(STOP_SECONDS)
        self._waits_no_more(worker)  # the next one starts while this one's end is told
        await self.tell(task_state.stopped(worker.task, worker.group, code, worker.reason))

    def _waits_no_more(self, worker: Worker) -> None:
        worker.busy = True
        self._changed.set()

    async def _ready(self, process: Spawned) -> str:
        """The address that it says, or "" when it ends or takes too long."""
        with suppress(TimeoutError, ValueError, TypeError):
            said = json.loads(await asyncio.wait_for(process.lines.readline(), READY_SECONDS))
            if said.get("ready"):
                return str(said["address"])
            log.warning("a worker is not ready", reason=said.get("reason"))
        return ""

    async def _work(self, worker: Worker, process: Spawned) -> None:
        """Returns when it has ended, or has waited in vain for too long (an old process is not worth keeping)."""
        reading = asyncio.create_task(self._read(worker, process))
        # Its own end, not that of its pipe, which a survivor of its job could hold open.
        ends = {asyncio.create_task(process.wait()), asyncio.create_task(self.stopping.wait())}
        try:
            done, _ = await asyncio.wait(ends, timeout=self.idle_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not done and worker.busy:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            elif not done:
                worker.reason = "Idle for too long, replaced"
            if self.stopping.is_set():
                worker.reason = "Service stopped"
        finally:
            for task in (reading, *ends):
                task.cancel()

    async def _read(self, worker: Worker, process: Spawned) -> None:
        async for line in process.lines:
            if line.strip() == b'{"busy": true}':
                self._waits_no_more(worker)

    def _failed(self, reason: str) -> None:
        now = time.monotonic()
        self._not_before = now + self._backoff.delay(now)
        self.settled.set()
        log.warning("a worker did not start", reason=reason)


def environment() -> dict[str, str]:
    """Of a worker: where programs and modules are, and nothing else. Ours holds the database's address and secrets."""
    return {"PATH": ENVIRONMENT["PATH"], "LC_ALL": ENVIRONMENT["LC_ALL"], "PYTHONPATH": os.pathsep.join(sys.path)}
