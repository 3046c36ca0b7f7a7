from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import consume, uuid_of
from tests.core.usage.metering import lines, sums
from tests.core.worker import Worker

pytestmark = pytest.mark.usefixtures("granted")
RUNS = "select meter, quantity from usage_events where meter in ('runs', 'run_seconds') order by meter"


@pytest.fixture
def started(api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]) -> tuple[Worker, Any]:
    """A run that a worker has taken."""
    api.save(ann, "main.py", b"1")
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    worker.report(api, "heartbeat")
    return worker, run


def used(everything: psycopg.Connection) -> dict[str, int]:
    return dict(everything.execute(RUNS).fetchall())


@pytest.mark.parametrize(("wall_ms", "seconds"), [(1, 1), (1000, 1), (1001, 2), (59_999, 60)])
def test_a_run_and_its_seconds_are_metered_when_it_ends(
    api: Api, ann: Person, everything: psycopg.Connection, started: tuple[Worker, Any], wall_ms: int, seconds: int
) -> None:
    worker, run = started
    assert used(everything) == {}, "not before"
    assert worker.report(api, "result", status="failed", exit_code=1, wall_ms=wall_ms).status == 204
    assert used(everything) == {"runs": 1, "run_seconds": seconds}
    assert set(lines(everything, "source", "user_id")) >= {(run["id"], ann.user_id)}
    worker.report(api, "result", status="failed", exit_code=1, wall_ms=wall_ms)
    assert used(everything) == {"runs": 1, "run_seconds": seconds}, "a repeated result is the same run"
    assert {row[0] for row in sums(everything, "usage_days", "project_id", "meter") if row[1] != "api_calls"} == {
        uuid_of(ann.project["id"])
    }


def test_what_never_ran_is_not_metered(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    api.save(ann, "main.py", b"1")
    run = api.run(ann).json
    assert api.call("POST /v1/runs/{run_id}/cancel", by=ann, run_id=run["id"]).json["status"] == "cancelled"
    assert used(everything) == {}


def test_what_the_worker_could_not_start_is_not_metered(
    api: Api, everything: psycopg.Connection, started: tuple[Worker, Any]
) -> None:
    started[0].report(api, "result", status="never_started")
    assert used(everything) == {}


def test_a_run_that_its_project_s_end_ended_is_metered_by_our_clock(
    api: Api, ann: Person, everything: psycopg.Connection, started: tuple[Worker, Any]
) -> None:
    everything.execute("update runs set started_at = now() - interval '12.5 seconds'")
    assert api.call("DELETE /v1/projects/{project_id}", by=ann, project_id=ann.project["id"]).status == 204
    assert used(everything) == {"runs": 1, "run_seconds": 13}
