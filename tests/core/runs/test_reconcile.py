from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway.runs import reconcile

from tests.api import Api, Person
from tests.core.backstage import clear, consume, sent, tick, uuid_of
from tests.core.runs.test_run import cancel, get, used
from tests.core.worker import Worker

Workers = Callable[[], Worker]


def started(api: Api, person: Person, everything: psycopg.Connection, worker: Worker) -> Any:
    worker.arrive()
    run = api.run(person).json
    consume(everything, "runs")
    return run


def lapse(everything: psycopg.Connection) -> None:
    everything.execute("update runs set lease_expires_at = now() - interval '1 second'")


def test_a_run_within_its_lease_is_left_alone(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    run = started(api, ann, everything, workers())
    tick("reconcile")
    assert get(api, ann, run)["status"] == "running"
    assert sent(everything, "runs") == []


def test_a_lost_lease_requeues_the_run_and_the_third_time_it_is_lost(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    run = started(api, ann, everything, workers())
    for attempt in (1, 2):
        lapse(everything)
        tick("reconcile")
        assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("queued", attempt)
        assert len(sent(everything, "runs")) == 1
        assert used(everything) == 1
        workers().arrive()
        consume(everything, "runs")
        assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("running", attempt + 1)
    lapse(everything)
    tick("reconcile")
    ended = get(api, ann, run)
    assert (ended["status"], ended["reason"]) == ("lost", "no report within its lease; try 3 of 3")
    assert used(everything) == 0


def test_a_run_past_its_deadline_ends_also_when_its_worker_reports(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    run = started(api, ann, everything, worker)
    everything.execute("update runs set deadline_at = now() - interval '1 second'")
    assert worker.report(api, "heartbeat").status == 200
    tick("reconcile")
    ended = get(api, ann, run)
    assert ended["status"] == "lost" and ended["reason"].startswith("it did not end before its deadline")
    assert worker.report(api, "heartbeat").status == 409
    assert used(everything) == 0


def test_a_run_that_nobody_took_before_its_deadline_never_started(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    run = api.run(ann).json
    everything.execute("update runs set deadline_at = now() - interval '1 second'")
    tick("reconcile")
    ended = get(api, ann, run)
    assert (ended["status"], ended["reason"]) == ("never_started", "no worker took it before its deadline")
    assert used(everything) == 0


def test_a_waiting_run_whose_message_was_lost_gets_another(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    run = api.run(ann).json
    clear(everything)
    tick("reconcile")
    assert sent(everything, "runs") == []  # its first message may still be on its way
    everything.execute("update runs set created_at = now() - interval '31 seconds'")
    tick("reconcile")
    assert [m["run_id"] for m in sent(everything, "runs")] == [str(uuid_of(run["id"]))]
    assert used(everything) == 1


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_cancelled_run_whose_worker_died_is_cancelled(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, attempt: int
) -> None:
    run = started(api, ann, everything, workers())
    everything.execute("update runs set attempt = %s", (attempt,))
    cancel(api, ann, run)
    lapse(everything)
    tick("reconcile")
    assert get(api, ann, run)["status"] == "cancelled"
    assert used(everything) == 0


def test_a_report_that_came_after_the_run_was_found_keeps_it(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = workers()
    run = started(api, ann, everything, worker)
    lapse(everything)
    one = reconcile.one

    def slowly(*arguments: Any) -> None:
        worker.report(api, "heartbeat")
        one(*arguments)

    monkeypatch.setattr(reconcile, "one", slowly)
    tick("reconcile")
    assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("running", 1)


def test_two_reconcilers_at_once_requeue_once(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, in_threads: Callable[..., Any]
) -> None:
    runs = [started(api, ann, everything, workers()) for _ in range(3)]
    clear(everything)
    lapse(everything)
    in_threads(lambda _: tick("reconcile"), [None] * 4)
    assert [get(api, ann, run)["status"] for run in runs] == ["queued"] * 3
    # A message too many is no harm: the run is claimed once.
    assert {m["run_id"] for m in sent(everything, "runs")} == {str(uuid_of(r["id"])) for r in runs}
    assert everything.execute("select distinct attempt from runs").fetchall() == [(1,)]
    assert used(everything) == 3


def test_one_run_that_cannot_be_helped_does_not_stop_the_others(
    api: Api, ann: Person, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = api.run(ann).json, api.run(ann).json
    everything.execute("update runs set deadline_at = now() - interval '1 second'")
    one = reconcile.one

    def fails(team_id: Any, run_id: Any) -> None:
        if run_id == uuid_of(first["id"]):
            raise ValueError("no help")
        one(team_id, run_id)

    monkeypatch.setattr(reconcile, "one", fails)
    tick("reconcile")
    assert [get(api, ann, run)["status"] for run in (first, second)] == ["queued", "never_started"]


def test_runs_that_hold_a_worker_are_looked_after_before_a_long_queue(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    run = started(api, ann, everything, workers())
    everything.execute(
        """insert into runs (team_id, id, project_id, created_by, tree_sha256, limits, deadline_at, created_at)
           select team_id, gen_random_uuid(), project_id, created_by, tree_sha256, limits, now() + interval '1 hour',
                  now() - interval '1 day' from runs, generate_series(1, 501)"""
    )
    lapse(everything)
    query = "select id from app.overdue_runs('30 seconds', 500)"
    assert (uuid_of(run["id"]),) in everything.execute(query).fetchall()
