"""How one machine starts: the steps in their order, each with the milliseconds it took; and how it ends.

check → data folder → Postgres → migrations → queues → gateway → consumers → workers → ready
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stacks.local import doctor, lock, machine, postgres, roles
from stacks.local.machine import Machine
from stacks.local.processes import CannotStart, Child, Report, keep, rotate

CHILDREN = {
    "gateway": "stacks.local.gateway",
    "consumers": "stacks.local.consumers",
    "workers": "stacks.local.execution",
}
HEALTH_SECONDS = 30.0
REFUSALS = (CannotStart, lock.InUse, postgres.PostgresFailed, roles.ServerTooOld, machine.NewerData)


@dataclass(frozen=True, slots=True)
class Choices:
    """`data` absolute; `port` and the one after it are listened on; `database_url` replaces the embedded server."""

    data: Path
    port: int
    workers: int
    database_url: str | None = None


class Start:
    """One start-up: `report` gets a line per step and per mishap, `stack` what has to be undone, latest first."""

    def __init__(self, choices: Choices, report: Report, stack: AsyncExitStack) -> None:
        self.choices = choices
        self.report = report
        self.stack = stack

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.report(f"  {name:<12} {(time.monotonic() - begin) * 1000:6.0f} ms")

    async def run(self) -> Machine:
        """Everything up and answering; raises one of REFUSALS."""
        with self.step("check"):
            self.check()
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
                await started
        with self.step("ready"):
            await answer(f"{here.public_url}/health")
        return here

    def check(self) -> None:
        if pid := lock.holder(self.choices.data):
            raise lock.InUse(self.choices.data, pid)
        for found in (doctor.python(), doctor.linux(), doctor.ports(self.choices.port), doctor.disk(self.choices.data)):
            if not found.ok:
                raise CannotStart(f"{found.found}: {found.remedy}")

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

    def start_children(self) -> dict[str, asyncio.Task[None]]:
        """All at once, since each spends its first second importing; they are waited for in their order."""
        data = self.choices.data
        children = [
            Child(name, (sys.executable, "-m", module, str(data)), data / "logs" / f"{name}.log")
            for name, module in CHILDREN.items()
        ]

        async def start(child: Child) -> None:
            await child.start()
            child.keep(self.report)

        started = {child.name: asyncio.create_task(start(child)) for child in children}

        async def stop() -> None:
            for task in started.values():
                task.cancel()
            await asyncio.gather(*started.values(), return_exceptions=True)
            await asyncio.gather(*(child.stop() for child in children))

        self.stack.push_async_callback(stop)
        return started


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
    from slipway import capabilities, settings
    from slipway import migrate as schema

    from stacks.local.capabilities import provider

    settings.apply(here.settings())
    capabilities.provide(provider(here))
    try:
        with capabilities.granting("slipway up", (capabilities.MIGRATIONS, capabilities.SIGNING_KEYS)):
            schema.migrate(here.owner_url)
            schema.publish_keys(here.owner_url)
    except (schema.Newer, schema.Changed) as error:
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
    raise CannotStart(f"{url} answered {said} for {HEALTH_SECONDS:.0f} s: see slipway logs gateway")


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
