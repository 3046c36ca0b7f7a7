from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import consume, tick
from tests.core.worker import Worker


@pytest.fixture
def ann(api: Api) -> Person:
    """Somebody with a project that can be run."""
    person = api.project()
    api.save(person, "main.py", b"print('hello')")
    return person


@pytest.fixture
def worker(workers: Callable[[], Worker]) -> Worker:
    made = workers()
    made.arrive()
    return made


@pytest.fixture
def run(api: Api, ann: Person, worker: Worker, everything: psycopg.Connection) -> Any:
    """A run that the worker has taken."""
    made = api.run(ann).json
    consume(everything, "runs")
    return made


def lose(everything: psycopg.Connection) -> None:
    """The lease runs out, the reconciler gives the run back, another attempt begins if a worker is there."""
    everything.execute("update runs set lease_expires_at = now() - interval '1 second'")
    tick("reconcile")
    consume(everything, "runs")
