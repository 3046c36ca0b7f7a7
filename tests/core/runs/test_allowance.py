from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import consume, tick
from tests.core.worker import Worker

CANCEL = "POST /v1/runs/{run_id}/cancel"
METERS = ("runs_concurrent", "runs_per_day", "run_seconds")


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection) -> Person:
    everything.execute("update platform set default_plan = 'free'")
    person = api.project()
    api.save(person, "main.py", b"print(1)")
    return person


def usage(everything: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Used and reserved of each meter."""
    rows = everything.execute(
        "select meter, used::int, reserved::int from quota_usage where meter = any(%s)", (list(METERS),)
    )
    return {meter: (used, reserved) for meter, used, reserved in rows}


def test_an_open_run_holds_a_slot_one_of_the_day_and_its_wall_limit(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    assert api.run(ann, wall_seconds=20).status == 202
    assert usage(everything) == {"runs_concurrent": (0, 1), "runs_per_day": (0, 1), "run_seconds": (0, 20)}


def test_a_run_that_ended_has_used_the_seconds_that_it_ran(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker = workers()
    worker.arrive()
    assert api.run(ann).status == 202
    consume(everything, "runs")
    assert worker.report(api, "result", status="succeeded", exit_code=0, wall_ms=6001).status == 204
    assert usage(everything) == {"runs_concurrent": (0, 0), "runs_per_day": (1, 0), "run_seconds": (7, 0)}


def test_a_worker_that_measures_nonsense_costs_no_more_than_the_wall_limit(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker = workers()
    worker.arrive()
    assert api.run(ann, wall_seconds=20).status == 202
    consume(everything, "runs")
    assert worker.report(api, "result", status="timed_out", wall_ms=10**9).status == 204
    assert usage(everything)["run_seconds"] == (20, 0)


def test_a_run_that_never_began_used_nothing(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    run = api.run(ann).json
    assert api.call(CANCEL, by=ann, run_id=run["id"]).status == 202
    assert set(usage(everything).values()) == {(0, 0)}
    api.run(ann)
    everything.execute("update runs set deadline_at = now() - interval '1 second' where finished_at is null")
    tick("reconcile")
    assert everything.execute("select status from runs order by id").fetchall() == [("cancelled",), ("never_started",)]
    assert set(usage(everything).values()) == {(0, 0)}


def test_a_run_that_we_lost_costs_nothing(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker = workers()
    worker.arrive()
    api.run(ann)
    consume(everything, "runs")
    worker.report(api, "heartbeat")
    everything.execute("update runs set deadline_at = now() - interval '1 second'")
    tick("reconcile")
    assert everything.execute("select status from runs").fetchone() == ("lost",)
    assert set(usage(everything).values()) == {(0, 0)}


def test_a_day_s_runs_and_a_month_s_seconds_are_402_and_say_until_when(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute("update plan_limits set value = 1 where meter = 'runs_per_day' and plan = 'free'")
    assert api.run(ann).status == 202
    refused = api.run(ann)
    assert (refused.status, refused.json["limit"], refused.json["used"]) == (402, "runs_per_day", 1)
    assert refused.json["resets_at"].endswith("T00:00:00Z")
    everything.execute("update plan_limits set value = 99 where meter = 'runs_per_day' and plan = 'free'")
    everything.execute("update plan_limits set value = 100 where meter = 'run_seconds' and plan = 'free'")
    refused = api.run(ann, wall_seconds=41)
    assert (refused.status, refused.json["limit"], refused.json["used"]) == (402, "run_seconds", 60)
    assert api.run(ann, wall_seconds=40).status == 202, "what is left can be used"


def test_a_longer_wall_limit_than_the_plan_s_is_413_and_names_the_plan_that_allows_it(api: Api, ann: Person) -> None:
    refused = api.run(ann, wall_seconds=61)
    assert (refused.status, refused.json["limit"], refused.json["allowed"]) == (413, "run_wall_seconds", 60)
    assert refused.json["allowed_by"] == "Starter (49.00 USD a month)"
