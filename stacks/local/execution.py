"""The process that keeps workers ready: ECS's place on one machine.

`python -m stacks.local.execution <data folder>` finds out once what the sandbox can do here, keeps `Machine.workers`
workers warm, starts more when asked (stacks.local.tasks), and reports each one's life as ECS does. It prints `ready`
when the first worker waits, also when nothing can run here: then `workers.json` says why.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from slipway import log, settings

from stacks.local import events, machine, sessions, task_state, tasks, workers
from stacks.local.fleet import Fleet
from stacks.local.machine import Machine
from stacks.local.sandbox import examine
from stacks.local.workers import Sandbox, State

RETRY_SECONDS = 0.5


class Execution:
    """From start to SIGTERM."""

    def __init__(self, here: Machine) -> None:
        self.here = here
        self.data = Path(here.data)

    async def run(self) -> None:
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        for task in workers.load(self.data).tasks:
            await self.tell(task_state.stopped(task, task_state.SERVICE, None, "The machine was restarted"))
        self.state = State(sandbox=await asyncio.to_thread(examine))
        self.state.save(self.data)
        if self.state.sandbox.languages:
            await self.keep_workers(stop)
        else:
            log.warning("runs are unavailable", reason=self.state.sandbox.unavailable)
            print("ready", flush=True)
            await stop.wait()

    async def keep_workers(self, stop: asyncio.Event) -> None:
        fleet = Fleet(worker(self.state.sandbox), self.here.workers, self.tell, self.note)
        keeping = {asyncio.create_task(fleet.keep()), asyncio.create_task(self.listen(fleet))}
        stopping = asyncio.create_task(stop.wait())
        settled = asyncio.create_task(fleet.settled.wait())
        await asyncio.wait({settled, stopping}, return_when=asyncio.FIRST_COMPLETED)
        print("ready", flush=True)
        await asyncio.wait({*keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in keeping:
            task.cancel()
        await fleet.stop()
        for task in keeping:
            if not task.cancelled() and task.done() and (error := task.exception()):
                raise error

    def note(self, living: Sequence[str]) -> None:
        self.state = replace(self.state, tasks=living)
        self.state.save(self.data)

    async def tell(self, detail: dict[str, Any]) -> None:
        """Report a task's state; while the database is away, again until it is stored."""
        while True:
            try:
                put = asyncio.to_thread(events.put_event, self.here, task_state.SOURCE, task_state.DETAIL_TYPE, detail)
                await put
                return
            except psycopg.OperationalError as error:
                log.warning("a task's state waits to be reported", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def listen(self, fleet: Fleet) -> None:
        """Start the tasks that are asked for, also those asked for while nobody listened."""
        while True:
            try:
                connecting = psycopg.AsyncConnection.connect(self.here.owner_url, autocommit=True)
                async with await connecting as connection:
                    await connection.execute(f"LISTEN {tasks.CHANNEL}")
                    await self.take(fleet)
                    async for _ in connection.notifies():
                        await self.take(fleet)
            except psycopg.OperationalError as error:
                log.warning("not listening for task requests", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def take(self, fleet: Fleet) -> None:
        for _, count in await asyncio.to_thread(sessions.run, self.here.owner_url, tasks.take):
            fleet.request(count)


def worker(sandbox: Sandbox) -> Sequence[str]:
    languages = json.dumps(sandbox.languages)
    address = ("--bind", "127.0.0.1:0")
    return (sys.executable, "-m", "slipway_sandbox.worker", *address, "--languages", languages, "--die-with-parent")


def main() -> None:
    here = machine.load(Path(sys.argv[1]))
    settings.apply(here.settings())
    asyncio.run(Execution(here).run())
    sys.stderr.flush()
    os._exit(0)  # a thread that still reports to a server which is away must not keep us


if __name__ == "__main__":
    main()
