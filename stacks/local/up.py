"""How one machine starts: the steps in their order, each with the milliseconds it took; and how it ends.

check → data folder → Postgres → migrations → queues → gateway → consumers → workers → ready

The ports of the WebSocket API and of `@connections` are ours from the first step to the end, also while the process
that serves them is started anew: nobody else gets them, and so no second platform the HTTP port (ports.py).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from stacks.local import doctor, lock, machine, ports, postgres, roles
from stacks.local.machine import Machine
from stacks.local.processes import CannotStart, Child, Report, keep, rotate

HEALTH_SECONDS = 30.0
MOST_HTTP_PROCESSES = 4  # unless more are asked for: each takes 75 MB and its connections, and others work here, too
REFUSALS = (
    CannotStart, lock.InUse, ports.PortTaken, postgres.PostgresFailed, roles.ServerTooOld, machine.NewerData,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """`data` absolute; `port` and two after it are listened on; `database_url` replaces the embedded server."""

    data: Path
    port: int
    workers: int
    http_processes: int
    database_url: str | None = None
    mail_page: bool = True  # wanted; mail_page.py says when there is one
    allow_origins: tuple[str, ...] = ()


class Start:
    """One start-up: `report` gets a line per step and per mishap, `stack` what has to be undone, latest first."""

    def __init__(self, choices: Choices, report: Report, stack: AsyncExitStack) -> None:
        self.choices = choices
        self.report = report
        self.stack = stack
        self.listeners: tuple[socket.socket, ...] = ()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.report(f"  {name:<12} {(time.monotonic() - begin) * 1000:6.0f} ms")

    async def run(self) -> Machine:
        """Everything up and answering; raises one of REFUSALS."""
        with self.step("check"):
            self.check()
            self.take_ports()
        with self.step("data folder"):
            here = self.open_data()
        with self.step("Postgres"):
            here = await self.start_database(here)
        with self.step("migrations"):
            await asyncio.to_thread(migrate, here)
        with self.step("queues"):
            from stacks.local import queues

            await asyncio.to_thread(queues.create, here.owner_url)
        for name, started in self.start_children().items():
            with self.step(name):
                await asyncio.gather(*started)
        with self.step("ready"):
            await answer(f"{here.public_url}/health")
        return here

    def check(self) -> None:
        if pid := lock.holder(self.choices.data):
            raise lock.InUse(self.choices.data, pid)
        for found in (doctor.python(), doctor.linux(), doctor.disk(self.choices.data)):
            if not found.ok:
                raise CannotStart(f"{found.found}: {found.remedy}")

    def take_ports(self) -> None:
        self.listeners = ports.take(self.choices.port)
        self.stack.callback(self.close_ports)

    def close_ports(self) -> None:
        for listener in self.listeners:
            listener.close()

    def open_data(self) -> Machine:
        """The folder, ours alone until the end, and the machine that lives in it."""
        data = self.choices.data
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.stack.enter_context(lock.held(data))
            (data / "logs").mkdir(mode=0o700, exist_ok=True)
            return machine.open_or_create(data, self.choices.port, self.choices.workers)
        except OSError as error:
            reason = f"the data folder {data} cannot be written ({error.strerror})"
            raise CannotStart(f"{reason}: choose another with DATA=folder (make) or --data folder") from None

    async def start_database(self, here: Machine) -> Machine:
        if self.choices.database_url:
            superuser_url = self.choices.database_url
        else:
            superuser_url = await self.start_postgres()
        owner_url, app_url = await asyncio.to_thread(bootstrap, superuser_url, here.object_secret)
        here = replace(here, owner_url=owner_url, app_url=app_url)
        here.save()
        return here

    async def start_postgres(self) -> str:
        """The embedded server, started again whenever it dies."""
        log = self.choices.data / "logs" / "postgres.log"
        rotate(log)
        server = postgres.Server(self.choices.data / "postgres", log)
        self.stack.push_async_callback(asyncio.to_thread, server.stop)
        server.launch()
        import psycopg  # noqa: F401  # its 200 ms pass while the server starts

        await asyncio.to_thread(server.wait_ready)

        async def ended() -> None:
            if server.process is not None:
                await asyncio.to_thread(server.process.wait)

        async def again() -> None:
            server.launch()
            await asyncio.to_thread(server.wait_ready)

        keeper = asyncio.create_task(keep("Postgres", ended, again, postgres.PostgresFailed, self.report))
        self.stack.callback(keeper.cancel)
        return server.superuser_url

    def start_children(self) -> dict[str, list[asyncio.Task[None]]]:
        """All at once, since each spends its first second importing; by step, in which they are waited for."""
        steps = children(self.choices, [listener.fileno() for listener in self.listeners])

        async def start(child: Child) -> None:
            await child.start()
            child.keep(self.report)

        started = {name: [asyncio.create_task(start(child)) for child in of] for name, of in steps.items()}
        tasks = list(chain.from_iterable(started.values()))

        async def stop() -> None:
            self.close_ports()  # a child that closes its own then really refuses, rather than leave callers waiting
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(child.stop() for child in chain.from_iterable(steps.values())))

        self.stack.push_async_callback(stop)
        return started


def default_http_processes() -> int:
    """One per processor that we may use, since the interpreter's lock keeps each from using more than one."""
    return min(MOST_HTTP_PROCESSES, len(os.sched_getaffinity(0)))


def children(choices: Choices, listeners: Sequence[int]) -> dict[str, list[Child]]:
    """Every process beside Postgres, by the step in which it starts."""

    def child(name: str, module: str, *arguments: str, descriptors: Sequence[int] = ()) -> Child:
        command = (sys.executable, "-m", f"stacks.local.{module}", *arguments)
        return Child(name, command, choices.data / "logs" / f"{name}.log", descriptors)

    data, processes = str(choices.data), str(choices.http_processes)
    options = [f"--allow-origin={origin}" for origin in choices.allow_origins]
    options += [] if choices.mail_page else ["--no-mail-page"]
    http = [
        child(f"http-{number}", "gateway", "http", data, "--processes", processes, *options)
        for number in range(1, choices.http_processes + 1)
    ]
    passed = ("--listeners", *map(str, listeners))
    return {
        "gateway": [child("websocket", "gateway", "websocket", data, *passed, descriptors=listeners), *http],
        "consumers": [child("consumers", "consumers", data)],
        "workers": [child("workers", "execution", data)],
    }


def bootstrap(superuser_url: str, secret: str) -> tuple[str, str]:
    import psycopg

    try:
        return roles.bootstrap(superuser_url, secret=f"roles {secret}")
    except psycopg.errors.InsufficientPrivilege as error:
        reason = str(error).splitlines()[0]
        raise CannotStart(f"DATABASE_URL needs a role that may create roles and databases: {reason}") from None
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        raise CannotStart(f"the database server does not let us in, check DATABASE_URL: {reason}") from None


def migrate(here: Machine) -> None:
    """What a deploy does on AWS (functions/event/migrate.py), both phases at once."""
    from slipway import capabilities, plans, settings
    from slipway import migrate as schema

    from stacks.local.capabilities import provider

    settings.apply(here.settings())
    capabilities.provide(provider(here))
    try:
        with capabilities.granting("slipway up", (capabilities.MIGRATIONS, capabilities.SIGNING_KEYS)):
            schema.migrate(here.owner_url)
            schema.publish_keys(here.owner_url)
            schema.publish_plans(here.owner_url)
    except (schema.Newer, schema.Changed, plans.BadSetting) as error:
        raise CannotStart(str(error)) from None


async def answer(url: str) -> None:
    """Returns when the URL answers 200; raises CannotStart when it does not in time."""
    deadline = time.monotonic() + HEALTH_SECONDS
    said = "nothing"
    while time.monotonic() < deadline:
        said = await asyncio.to_thread(doctor.get, url)
        if said == "200":
            return
        await asyncio.sleep(0.05)
    raise CannotStart(f"{url} answered {said} for {HEALTH_SECONDS:.0f} s: see slipway logs http")


async def run(choices: Choices, report: Report, ready: Callable[[Machine], None]) -> None:
    """Start, call `ready`, stay until SIGINT, SIGTERM or SIGHUP, and leave nothing behind."""
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(Start(choices, report, stack).run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            ready(starting.result())
            await stopping
        starting.cancel()
        await asyncio.wait({starting})
        report("  stopping")
