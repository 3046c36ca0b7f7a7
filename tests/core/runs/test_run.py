from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person, Response
from tests.core.backstage import consume, sent, uuid_of
from tests.core.worker import Worker

CREATE = "POST /v1/projects/{project_id}/runs"
GET = "GET /v1/runs/{run_id}"
CANCEL = "POST /v1/runs/{run_id}/cancel"
LIST = "GET /v1/projects/{project_id}/runs"


def used(everything: psycopg.Connection) -> int:
    query = "select coalesce(sum(reserved), 0) from quota_usage where meter = 'runs_concurrent'"
    row = everything.execute(query).fetchone()
    return int(row[0]) if row else 0


def get(api: Api, person: Person, run: dict[str, Any]) -> Any:
    return api.call(GET, by=person, run_id=run["id"]).json


def cancel(api: Api, person: Person, run: dict[str, Any]) -> Response:
    return api.call(CANCEL, by=person, run_id=run["id"])


def events(everything: psycopg.Connection, room: str) -> list[str]:
    query = "select type from room_events where room_id = %s and type like 'run.%%' order by seq"
    return [type for (type,) in everything.execute(query, (uuid_of(room),))]


def test_a_run_is_queued_with_the_tree_of_now_and_the_plan_s_limits(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    answer = api.run(ann, language="python", entry="main.py", arguments=["a b", ""], stdin="in")
    assert answer.status == 202
    run = answer.json
    assert answer.headers["location"] == f"/v1/runs/{run['id']}"
    assert (run["status"], run["attempt"], run["finished_at"]) == ("queued", 0, None)
    assert run["limits"]["wall_seconds"] == 600 and run["limits"]["output_bytes"] == 10485760
    assert get(api, ann, run) == run
    assert sent(everything, "runs") == [
        {"team_id": str(uuid_of(ann.team["id"])), "run_id": str(uuid_of(run["id"])), "cancel": False}
    ]
    assert used(everything) == 1
    assert events(everything, run["id"]) == events(everything, ann.project["id"]) == ["run.queued"]


def test_twenty_at_once_get_exactly_the_three_slots_of_the_plan(
    api: Api, ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    everything.execute("update plan_limits set value = 3 where meter = 'runs_concurrent'")
    answers = in_threads(lambda _: api.run(ann), [None] * 20)
    statuses = [answer.status for answer in answers]
    assert (statuses.count(202), statuses.count(429)) == (3, 17)
    assert used(everything) == 3
    assert everything.execute("select count(*) from runs").fetchone() == (3,)
    assert len(sent(everything, "runs")) == 3
    refused = next(answer.json for answer in answers if answer.status == 429)
    assert (refused["code"], refused["limit"], refused["allowed"]) == ("limit_reached", "runs_concurrent", 3)
    runs = api.call(LIST, by=ann, project_id=ann.project["id"]).json["data"]
    assert cancel(api, ann, runs[0]).status == 202
    assert (api.run(ann).status, api.run(ann).status) == (202, 429)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"entry": "missing.py"}, 422, "invalid"),
        ({"entry": "../main.py"}, 422, "invalid_path"),
        ({"wall_seconds": 601}, 413, "too_large"),
        ({"wall_seconds": 0}, 422, "invalid"),
        ({"language": "Python"}, 422, "invalid"),
        ({"arguments": ["a\0"]}, 422, "invalid"),
        ({"arguments": ["x" * 4096] * 4}, 422, "invalid"),
        ({"stdin": "x" * 1_000_001}, 422, "invalid"),
        ({"shell": True}, 422, "invalid"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_run_that_is_not_valid_takes_no_slot(
    api: Api, ann: Person, everything: psycopg.Connection, body: dict[str, Any], status: int, code: str
) -> None:
    answer = api.run(ann, **body)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert used(everything) == 0
    assert sent(everything, "runs") == []


def test_a_project_without_files_does_not_run(api: Api, everything: psycopg.Connection) -> None:
    answer = api.run(api.project())
    assert (answer.status, answer.json["code"]) == (422, "no_files")
    assert used(everything) == 0


def test_a_shorter_wall_time_may_be_asked_for(api: Api, ann: Person) -> None:
    assert api.run(ann, wall_seconds=5).json["limits"]["wall_seconds"] == 5


def test_standard_input_may_have_any_characters(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    api.run(ann, stdin="a\0b é")
    assert everything.execute("select stdin from runs").fetchone() == ("a\0b é".encode(),)


def test_a_list_holds_the_project_s_runs_newest_first(api: Api, ann: Person) -> None:
    made = [api.run(ann).json["id"] for _ in range(3)]
    listed = api.call(LIST, by=ann, query={"limit": 2}, project_id=ann.project["id"]).json
    assert [run["id"] for run in listed["data"]] == made[:0:-1]
    rest = api.call(LIST, by=ann, query={"cursor": listed["next_cursor"]}, project_id=ann.project["id"]).json
    assert [run["id"] for run in rest["data"]] == made[:1]


def test_a_stranger_sees_no_run(api: Api, ann: Person) -> None:
    run, bob = api.run(ann).json, api.project("Bob")
    assert [api.call(key, by=bob, run_id=run["id"]).status for key in (GET, CANCEL, f"{GET}/log")] == [404] * 3
    assert get(api, ann, run)["status"] == "queued"


# ── Cancelling ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_queued_run_is_cancelled_at_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    run = api.run(ann).json
    answer = cancel(api, ann, run)
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (
        202,
        "cancelled",
        "cancelled before it started",
    )
    assert used(everything) == 0
    assert events(everything, run["id"]) == ["run.queued", "run.finished"]
    consume(everything, "runs")
    assert get(api, ann, run)["attempt"] == 0


@pytest.mark.parametrize("state", ["starting", "running"])
def test_an_open_run_is_cancelled_through_its_worker(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker], state: str
) -> None:
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    everything.execute("update runs set status = %s", (state,))
    assert cancel(api, ann, run).json["status"] == state
    assert used(everything) == 1
    assert worker.report(api, "heartbeat").json == {"cancel": True}
    consume(everything, "runs")
    assert len(worker.cancels) == 1 and set(worker.cancels[0]) == {"token_sha256"}
    assert worker.finish(api, "cancelled").status == 204
    assert get(api, ann, run)["status"] == "cancelled"
    assert used(everything) == 0


def test_cancelling_twice_is_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    run = api.run(ann).json
    first, second = cancel(api, ann, run), cancel(api, ann, run)
    assert (second.status, second.json) == (202, first.json)
    assert used(everything) == 0
    assert events(everything, run["id"]).count("run.finished") == 1


def test_a_finished_run_keeps_its_result_when_it_is_cancelled(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    worker.finish(api, exit_code=0)
    assert cancel(api, ann, run).json["status"] == "succeeded"
    assert sent(everything, "runs") == []


def test_cancel_and_result_at_the_same_moment_end_the_run_once(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker], in_threads: Callable[..., Any]
) -> None:
    for _ in range(5):
        worker = workers()
        worker.arrive()
        run = api.run(ann).json
        consume(everything, "runs")
        in_threads(lambda act: act(), [lambda: cancel(api, ann, run), lambda: worker.finish(api)])  # noqa: B023
        consume(everything, "runs")
        assert get(api, ann, run)["status"] == "succeeded"
        assert used(everything) == 0
        assert events(everything, run["id"]).count("run.finished") == 1
        worker.leave()


# ── The log ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_is_the_output_from_any_number(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker = workers()
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    worker.output(api, (1, b"one"), (2, b"two"))
    log = api.call(f"{GET}/log", by=ann, run_id=run["id"]).json
    assert [chunk["type"] for chunk in log["chunks"]] == ["run.output"] * 2
    assert (log["has_more"], log["finished"]) == (False, False)
    first = log["chunks"][0]["seq"]
    rest = api.call(f"{GET}/log", by=ann, query={"after": first}, run_id=run["id"]).json
    assert rest["chunks"] == log["chunks"][1:]
    worker.finish(api)
    assert api.call(f"{GET}/log", by=ann, run_id=run["id"]).json["finished"] is True


@pytest.mark.parametrize("after", ["-1", "x", str(2**63)])
def test_a_number_that_is_none_is_422(api: Api, ann: Person, after: str) -> None:
    run = api.run(ann).json
    assert api.call(f"{GET}/log", by=ann, query={"after": after}, run_id=run["id"]).status == 422
