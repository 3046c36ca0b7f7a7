"""Whatever the parallelism, a hard limit is never overrun, and what a crashed worker had reserved comes back."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import capabilities, db, quotas
from slipway.errors import Error

from stacks.local.machine import Machine
from tests.api import Api
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
LIMIT, TRIES, THREADS = 10, 500, 40
METERS = ("runs_concurrent", "runs_per_day")


@pytest.fixture
def team(api: Api, everything: psycopg.Connection) -> UUID:
    for meter in METERS:
        everything.execute("update plan_limits set value = %s where meter = %s and plan = 'unlimited'", (LIMIT, meter))
    return uuid_of(api.project().team["id"])


def each_in_a_thread(function: Any, count: int) -> list[Any]:
    """Calls `function` with 0, 1, …, `THREADS` of them at a time, each thread with its own connection."""
    barrier = threading.Barrier(THREADS)

    def call(first: int) -> list[Any]:
        barrier.wait(20)
        try:
            with capabilities.granting("test", capabilities.ALL):
                return [function(number) for number in range(first, count, THREADS)]
        finally:
            db.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for answers in pool.map(call, range(THREADS)) for answer in answers]


def reserve(team: UUID, source: str, lease: int = 600, meters: tuple[str, ...] = METERS) -> str:
    try:
        with db.for_team(team) as tx:
            quotas.reserve(tx, team, source, dict.fromkeys(meters, 1), lease_seconds=lease)
    except Error as error:
        return error.code
    return "reserved"


@contextmanager
def watched(machine: Machine, everything: psycopg.Connection) -> Iterator[list[int]]:
    """The largest sum of what was used and reserved, seen again and again while the block runs; it must be looked at."""
    seen, stop = [0], threading.Event()
    query = "select coalesce(max(used + reserved), 0) from quota_usage where meter = any(%s)"
    name = psycopg.conninfo.conninfo_to_dict(machine.owner_url)["dbname"]

    def look() -> None:
        with psycopg.connect(
            everything.info.dsn, password=everything.info.password, dbname=name, autocommit=True
        ) as own:
            while not stop.is_set():
                row = own.execute(query, (list(METERS),)).fetchone()
                seen.append(int(row[0]) if row else 0)

    checker = threading.Thread(target=look)
    checker.start()
    try:
        yield seen
    finally:
        stop.set()
        checker.join(10)


def total(everything: psycopg.Connection, meter: str) -> tuple[int, int]:
    row = everything.execute("select used::int, reserved::int from quota_usage where meter = %s", (meter,)).fetchone()
    assert row
    return row[0], row[1]


def test_five_hundred_parallel_reservations_admit_exactly_the_limit(
    machine: Machine, team: UUID, everything: psycopg.Connection
) -> None:
    with watched(machine, everything) as seen:
        answers = Counter(each_in_a_thread(lambda n: reserve(team, f"r{n}"), TRIES))
    assert answers == {"reserved": LIMIT, "limit_reached": TRIES - LIMIT}
    assert (max(seen), len(seen) > 10) == (LIMIT, True)
    assert [total(everything, meter) for meter in METERS] == [(0, LIMIT)] * 2


def test_work_that_comes_and_goes_never_exceeds_the_limit_at_any_instant(
    machine: Machine, team: UUID, everything: psycopg.Connection
) -> None:
    """Reserved, committed or released, over and over; each slot that is free is used again."""
    at_work, most, lock = [0], [0], threading.Lock()

    def work(number: int) -> str:
        if (answer := reserve(team, f"w{number}", meters=("runs_concurrent",))) != "reserved":
            return answer
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.002)
        with lock:
            at_work[0] -= 1
        with db.for_team(team) as tx:
            quotas.release(tx, team, f"w{number}")
        return answer

    with watched(machine, everything) as seen:
        answers = Counter(each_in_a_thread(work, TRIES))
    assert answers["reserved"] > LIMIT
    assert max(seen) <= LIMIT and most[0] <= LIMIT
    assert total(everything, "runs_concurrent") == (0, 0)


def test_the_same_source_from_everywhere_is_reserved_and_committed_once(
    team: UUID, everything: psycopg.Connection
) -> None:
    assert set(each_in_a_thread(lambda _: reserve(team, "one"), THREADS)) == {"reserved"}
    assert total(everything, "runs_per_day") == (0, 1)

    def commit(_: int) -> None:
        with db.for_team(team) as tx:
            quotas.commit(tx, team, "one", {"runs_per_day": 1})

    each_in_a_thread(commit, THREADS)
    assert [total(everything, meter) for meter in METERS] == [(0, 0), (1, 0)]


def crash(url: str, team: UUID, committed: bool, ready: Any) -> None:
    """A process that reserves all there is and then is killed, inside or after its transaction."""
    with psycopg.connect(url) as connection:
        connection.execute("select app.begin_team(%s)", (team,))
        for number in range(LIMIT):
            connection.execute("select * from app.reserve(%s, %s, '{runs_concurrent}', '{1}', 4)", (team, f"c{number}"))
        if committed:
            connection.commit()
        ready.set()
        time.sleep(60)


@pytest.mark.parametrize("committed", [True, False])
def test_what_a_killed_process_had_reserved_comes_back(
    machine: Machine, team: UUID, everything: psycopg.Connection, committed: bool
) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=crash, args=(machine.app_url, team, committed, ready))
    process.start()
    assert ready.wait(30)
    if committed:
        assert reserve(team, "early", meters=("runs_concurrent",)) == "limit_reached", "its lease has not ended"
    process.kill()
    process.join(10)
    deadline = time.monotonic() + 20
    while reserve(team, "next", meters=("runs_concurrent",)) != "reserved" or total(everything, METERS[0]) != (0, 1):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_reservations_that_expire_under_load_are_given_back_once(
    machine: Machine, team: UUID, everything: psycopg.Connection
) -> None:
    """Leases of no length: whoever comes next gives back, beside the schedule's function; nothing waits for itself."""

    def act(number: int) -> Any:
        if number % 10 == 0:
            return quotas.give_back() >= 0
        return reserve(team, f"e{number}", lease=0)

    with watched(machine, everything) as seen:
        answers = Counter(each_in_a_thread(act, TRIES))
    assert answers["reserved"] > LIMIT and set(answers) <= {"reserved", "limit_reached", True}
    assert max(seen) <= LIMIT
    quotas.give_back()
    assert [total(everything, meter) for meter in METERS] == [(0, 0)] * 2


def test_parallel_counting_of_projects_lets_no_one_too_many_in(
    api: Api, team: UUID, everything: psycopg.Connection
) -> None:
    everything.execute("update plan_limits set value = 5 where meter = 'projects' and plan = 'unlimited'")
    ann = api.project("Bob")
    key, at = "POST /v1/workspaces/{workspace_id}/projects", {"workspace_id": ann.workspace["id"]}
    statuses = Counter(each_in_a_thread(lambda _: api.call(key, {"name": "P"}, by=ann, **at).status, 80))
    assert statuses == {201: 4, 402: 76}, "one was there already"
