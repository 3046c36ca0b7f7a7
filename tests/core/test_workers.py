from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway.workers import PORT, TaskChange

from tests.api import Api, Person
from tests.core.backstage import clear, consume, deliver, happen, sent, uuid_of
from tests.core.runs.test_run import get, used
from tests.core.worker import Worker

Workers = Callable[[], Worker]


@pytest.fixture
def ann(api: Api) -> Person:
    person = api.project()
    api.save(person, "main.py", b"1")
    return person


def states(everything: psycopg.Connection) -> list[str]:
    return [
        state for (state,) in everything.execute("select state from workers where state <> 'gone' order by started_at")
    ]


def test_an_ecs_event_names_the_address_of_the_task_s_interface() -> None:
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "privateIPv4Address", "value": "10.0.0.7"}]
    event: Any = {"taskArn": "arn", "lastStatus": "RUNNING", "attachments": [{"type": "eni", "details": details}]}
    assert TaskChange.model_validate(event).address() == f"10.0.0.7:{PORT}"
    details[1]["value"] = "127.0.0.1:4321"
    assert TaskChange.model_validate(event).address() == "127.0.0.1:4321"
    assert TaskChange.model_validate({"taskArn": "arn", "lastStatus": "RUNNING", "group": "x"}).address() is None


def test_a_worker_that_runs_is_idle_and_reported_twice_is_one(
    api: Api, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.arrive()
    worker.arrive()
    assert states(everything) == ["idle"]


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "ACTIVATING", "DEACTIVATING"])
def test_other_states_change_nothing(api: Api, everything: psycopg.Connection, status: str) -> None:
    happen("worker_changed", {"taskArn": "arn", "lastStatus": status, "attachments": []})
    assert states(everything) == []


def test_a_busy_worker_reported_again_stays_busy(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.arrive()
    api.run(ann)
    consume(everything, "runs")
    worker.arrive()
    assert states(everything) == ["busy"]


def test_a_worker_that_arrives_gets_the_run_that_has_waited_longest(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    first, second = api.run(ann).json, api.run(ann).json
    consume(everything, "runs")
    clear(everything)
    worker = workers()
    worker.arrive()
    assert [m["run_id"] for m in sent(everything, "runs")] == [str(uuid_of(first["id"]))]
    consume(everything, "runs")
    assert [job["run_id"] for job in worker.jobs] == [first["id"]]
    assert get(api, ann, second)["status"] == "queued"


def test_workers_that_arrive_together_wake_a_run_each(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    runs = [api.run(ann).json for _ in range(3)]
    consume(everything, "runs")
    for _ in range(2):
        workers().arrive()
    consume(everything, "runs")
    assert [get(api, ann, run)["status"] for run in runs] == ["running", "running", "queued"]


def test_a_worker_that_arrives_while_nobody_waits_wakes_nobody(
    api: Api, everything: psycopg.Connection, workers: Workers
) -> None:
    workers().arrive()
    assert sent(everything, "runs") == []


def test_a_run_whose_worker_stops_is_queued_again(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    worker.leave("Spot interruption")
    assert states(everything) == []
    assert get(api, ann, run)["status"] == "queued"
    assert len(sent(everything, "runs")) == 1
    worker.leave()
    assert len(sent(everything, "runs")) == 1
    assert used(everything) == 1


def test_the_third_worker_that_stops_takes_the_run_with_it_and_says_why(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    run = api.run(ann).json
    for _ in range(3):
        worker = workers()
        worker.arrive()
        consume(everything, "runs")
        worker.leave("Spot interruption")
    ended = get(api, ann, run)
    assert (ended["status"], ended["reason"]) == ("lost", "the worker stopped: Spot interruption; try 3 of 3")
    assert used(everything) == 0


def test_a_worker_that_stops_after_its_result_changes_nothing(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    worker.finish(api)
    worker.leave()
    assert get(api, ann, run)["status"] == "succeeded"
    assert sent(everything, "runs") == [] and states(everything) == []


def test_a_worker_that_stops_after_its_run_went_to_another_changes_nothing(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    old, new = workers(), workers()
    old.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    everything.execute("update runs set status = 'queued', token_hash = null")
    new.arrive()
    consume(everything, "runs")
    assert get(api, ann, run)["attempt"] == 2
    old.leave()
    assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("running", 2)


def test_a_request_for_workers_starts_tasks(api: Api, everything: psycopg.Connection) -> None:
    assert deliver("workers", {"count": 2}) == []
    assert everything.execute("select task, count from local.task_requests").fetchall() == [("run", 2)]


def test_a_worker_whose_end_is_told_before_its_start_never_seems_to_wait(
    api: Api, everything: psycopg.Connection, workers: Workers
) -> None:
    """Neither a queue nor EventBridge keeps the order of what happened."""
    worker = workers()
    worker.leave()
    worker.arrive()
    assert states(everything) == []
