from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from slipway import capabilities, db

from stacks.local import machine as machines
from stacks.local import postgres
from stacks.local.machine import Machine
from tests.conftest import SEED, TEMPLATE, installed
from tests.core import worker
from tests.core.database import Database
from tests.core.worker import Worker


@pytest.fixture(scope="session")
def database(server: postgres.Server, template: tuple[str, str]) -> Iterator[Database]:
    made = Database(server)
    yield made
    made.drop()


@pytest.fixture
def machine(
    database: Database, template: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    """As everywhere, but in the one database that these many tests take turns with."""
    name = database.ready()
    owner, app = (url.replace(f"/{TEMPLATE}?", f"/{name}?") for url in template)
    made = replace(machines.open_or_create(tmp_path, 1, 1), owner_url=owner, app_url=app, signing_seed=SEED)
    with installed(made, monkeypatch):
        yield made


@pytest.fixture
def granted(machine: Machine) -> Iterator[None]:
    """May use every capability, for calling the core without a function around it."""
    with capabilities.granting("test", capabilities.ALL):
        yield


@pytest.fixture
def workers() -> Iterator[Callable[[], Worker]]:
    """Makes workers that listen; they have not been reported as running yet."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(worker.listening())


@pytest.fixture
def in_threads(machine: Machine) -> Callable[..., list[object]]:
    """Calls a function for each argument at the same time, each in its own thread with its own connection."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    def call(function: Callable[[object], object], arguments: list[object]) -> list[object]:
        barrier = Barrier(len(arguments))

        def one(argument: object) -> object:
            barrier.wait(10)
            try:
                with capabilities.granting("test", capabilities.ALL):
                    return function(argument)
            finally:
                db.close()

        with ThreadPoolExecutor(len(arguments)) as pool:
            return [future.result() for future in [pool.submit(one, a) for a in arguments]]

    return call


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What was sent to the database since the last call, in its order, without the values."""
    from slipway.wire import Wire

    seen: list[str] = []
    command, ask = Wire.command, Wire.ask

    def counted_command(self: Wire, text: str) -> object:
        seen.append(text)
        return command(self, text)

    def counted_ask(self: Wire, statement: str, parameters: dict[str, object]) -> object:
        seen.append(statement)
        return ask(self, statement, parameters)

    monkeypatch.setattr(Wire, "command", counted_command)
    monkeypatch.setattr(Wire, "ask", counted_ask)

    def take() -> list[str]:
        taken = seen.copy()
        seen.clear()
        return taken

    return take


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[str]]]:
    """What was logged since the test began, line by line."""
    from io import StringIO

    from slipway import log

    handler = log._logger().registered_handler
    written = StringIO()
    before = handler.setStream(written)  # type: ignore[attr-defined]
    yield lambda: written.getvalue().splitlines()
    handler.setStream(before)  # type: ignore[attr-defined]
