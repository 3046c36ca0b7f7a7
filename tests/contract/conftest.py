"""The prepared world (world.py), and what the declared capabilities were used for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slipway import capabilities, db, discover
from slipway.capabilities import Capability

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.conftest import SEED, TEMPLATE
from tests.contract import world as worlds
from tests.contract.world import World
from tests.core.oidc.issuer import standing

_used: set[tuple[str, Capability[object]]] = set()
capabilities.observe(lambda function, capability: _used.add((function, capability)))


@pytest.fixture(scope="session", autouse=True)
def provider() -> Iterator[None]:
    """An identity provider that every world knows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_OIDC", standing().setting())
        yield


@pytest.fixture(scope="session")
def prepared(
    server: Server, template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Machine, World]]:
    """The machine whose database is the world; never used itself, only copied."""
    home = worlds.home(tmp_path_factory.mktemp("world"), *template, seed=SEED)
    with worlds.database(server, home, TEMPLATE) as machine:
        yield machine, worlds.build(server, machine)


@pytest.fixture(scope="session")
def world(prepared: tuple[Machine, World]) -> World:
    return prepared[1]


@pytest.fixture
def copy(server: Server, prepared: tuple[Machine, World]) -> Iterator[Machine]:
    """A copy of the world that this process inhabits for one test."""
    machine, _ = prepared
    with worlds.database(server, machine, worlds.name_of(machine)) as made, worlds.inhabited(made):
        yield made
        db.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Granted = used: what is declared and was not used by any test of a run of the whole suite."""
    declared = {(f.spec.name, c) for f in discover.functions() for c in f.spec.uses}
    unused = sorted(f"{name}: {capability.name}" for name, capability in declared - _used)
    if unused and len(unused) < len(declared) / 2:
        terminalreporter.section("declared capabilities that no test of this run used")
        terminalreporter.write_line(", ".join(unused))
