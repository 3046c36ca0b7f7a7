"""Schedules on one machine: started by the clock, neither skipped nor doubled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import psycopg

from stacks.local import mailbox, storage
from stacks.local.machine import Machine
from stacks.local.queues import PostgresQueue
from stacks.local.storage import DiskObjects
from tests.capabilities.declared import EMPTY, Declared, consuming, counts, until


def job(body: Callable[[Any, Any], Any] = lambda *_: None, seconds: float = 60) -> Declared:
    return Declared(body, name="jobs_tick", seconds=seconds)


def test_a_schedule_starts_after_each_interval_and_not_before(machine: Machine) -> None:
    function = job()
    with consuming(machine, schedule=[function], pace=120):  # every half second
        time.sleep(0.3)
        assert function.calls == []
        time.sleep(1.5)
    assert 2 <= len(function.calls) <= 4
    assert function.calls[0]["detail-type"] == "Scheduled Event"


def test_a_schedule_that_fails_starts_again(machine: Machine) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    function = job(fail)
    with consuming(machine, schedule=[function], pace=300):
        until(lambda: len(function.calls) >= 2)


def last_start(machine: Machine, ago: float) -> None:
    with psycopg.connect(machine.owner_url) as connection:
        connection.execute(
            "insert into local.schedules values ('jobs_tick', now() - make_interval(secs => %s))", (ago,)
        )


def test_a_restart_does_not_double_a_schedule_that_ran_a_moment_ago(machine: Machine) -> None:
    last_start(machine, ago=10)
    function = job()
    with consuming(machine, schedule=[function]):
        time.sleep(1.5)
    assert function.calls == []


def test_a_restart_makes_up_for_missed_starts_with_one(machine: Machine) -> None:
    last_start(machine, ago=200)
    function = job()
    with consuming(machine, schedule=[function]):
        until(lambda: function.calls)
        time.sleep(1.5)
    assert len(function.calls) == 1


def test_two_processes_start_a_schedule_once(machine: Machine) -> None:
    last_start(machine, ago=61)
    functions = [job(), job()]
    with consuming(machine, schedule=functions[:1]), consuming(machine, schedule=functions[1:]):
        time.sleep(2.5)
    assert len(functions[0].calls) + len(functions[1].calls) == 1


def test_housekeeping_comes_every_hour_and_drops_what_is_too_old(machine: Machine) -> None:
    PostgresQueue(machine.owner_url, "runs").send(["old"])
    DiskObjects(machine, "bundles", "write").put("old", b"")
    file = storage.path(machine, "bundles", "old")
    letter = mailbox.folder(machine) / "old.eml"
    letter.parent.mkdir(exist_ok=True)
    letter.touch()
    os.utime(file, (0, 0))
    os.utime(letter, (0, 0))
    with psycopg.connect(machine.owner_url) as connection:
        connection.execute("update local.messages set sent_at = now() - interval '5 days'")
    with consuming(machine, pace=7200):
        until(lambda: counts(machine) == EMPTY and not file.exists() and not letter.exists())
