"""A real Postgres per test process, a database per test: cloned from a migrated template in some 80 ms."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from slipway import capabilities, db, migrate, settings

from stacks.local import machine as machines
from stacks.local import postgres, queues
from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from tests.api import Api

TEMPLATE = "slipway_template"
SEED = "11" * 32


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def template(server: postgres.Server) -> tuple[str, str]:
    """The migrated database that every test's own is a copy of; connection strings of owner and application."""
    owner, app = postgres.bootstrap(server.superuser_url, database=TEMPLATE)
    migrate.migrate(owner)
    queues.create(owner)
    seeded = replace(machines.open_or_create(Path("/nowhere"), 1, 0), owner_url=owner, app_url=app, signing_seed=SEED)
    capabilities.provide(provider(seeded))
    with capabilities.granting("template", (capabilities.SIGNING_KEYS,)):
        migrate.publish_keys(owner)
    return owner, app


@contextmanager
def installed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within, the machine's settings and capabilities are this process's."""
    for setting, value in machine.settings().items():
        monkeypatch.setenv(setting, value)
    settings.reset()
    capabilities.provide(provider(machine))
    yield
    db.close()
    settings.reset()
    capabilities.provide(None)


@pytest.fixture
def machine(
    server: postgres.Server, template: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    """A machine with a database of its own; its settings and capabilities are this process's for the test."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {TEMPLATE} owner slipway_owner")
    owner, app = (url.replace(f"/{TEMPLATE}?", f"/{name}?") for url in template)
    made = replace(machines.open_or_create(tmp_path, 1, 1), owner_url=owner, app_url=app, signing_seed=SEED)
    with installed(made, monkeypatch):
        yield made
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def api(machine: Machine) -> Api:
    """The routes' handlers, called with the events that API Gateway would send."""
    return Api()


@pytest.fixture
def owner(machine: Machine) -> Iterator[psycopg.Connection]:
    """The schema's owner, for looking behind the curtain. Row-level security binds it too: see `everything`."""
    with psycopg.connect(machine.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def everything(server: postgres.Server, machine: Machine) -> Iterator[psycopg.Connection]:
    """A superuser in the test's database: sees all rows of all teams, which is how a test checks what nobody should."""
    name = psycopg.conninfo.conninfo_to_dict(machine.owner_url)["dbname"]
    with psycopg.connect(server.superuser_url, dbname=name, autocommit=True) as connection:
        yield connection
