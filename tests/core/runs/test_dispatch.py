from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import clear, consume, deliver, sent, uuid_of
from tests.core.runs.test_run import events, get, used
from tests.core.worker import Worker

Workers = Callable[[], Worker]


def message(person: Person, run: dict[str, Any]) -> dict[str, str]:
    return {"team_id": str(uuid_of(person.team["id"])), "run_id": str(uuid_of(run["id"]))}


def idle(everything: psycopg.Connection) -> int:
    row = everything.execute("select count(*) from workers where state = 'idle'").fetchone()
    return int(row[0]) if row else 0


def test_a_worker_gets_the_whole_job(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, machine: Machine
) -> None:
    worker = workers()
    worker.arrive()
    api.save(ann, "lib/data.bin", bytes(range(256)))
    run = api.run(ann, entry="main.py", arguments=["x"], stdin="in", artifacts=["*.png"]).json
    consume(everything, "runs")
    (job,) = worker.jobs
    assert (job["run_id"], job["attempt"], job["entry"], job["arguments"]) == (run["id"], 1, "main.py", ["x"])
    assert job["report_url"] == f"{machine.public_url}/v1/worker/runs/{run['id']}"
    assert base64.b64decode(job["stdin_base64"]) == b"in"
    sources = {s["path"]: base64.b64decode(s["content_base64"]) for s in job["sources"]["inline"]}
    assert sources == {"main.py": b"print('hello')", "lib/data.bin": bytes(range(256))}
    assert job["limits"] == run["limits"]
    assert job["artifacts"]["patterns"] == ["*.png"]
    assert get(api, ann, run)["status"] == "running"
    assert events(everything, run["id"]) == ["run.queued", "run.running"]


def test_the_token_is_kept_as_a_hash_only(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.arrive()
    api.run(ann)
    consume(everything, "runs")
    kept = everything.execute("select r::text, token_hash from runs r").fetchone()
    assert kept and kept[1] == hashlib.sha256(worker.jobs[0]["token"].encode()).digest()
    assert worker.jobs[0]["token"] not in kept[0]


def test_a_message_that_comes_twice_starts_the_run_once(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    one, two = workers(), workers()
    one.arrive()
    two.arrive()
    run = api.run(ann).json
    assert deliver("runs", message(ann, run), message(ann, run)) == []
    assert len(one.jobs) + len(two.jobs) == 1
    assert idle(everything) == 1


def test_messages_that_come_at_once_start_the_run_once(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, in_threads: Callable[..., Any]
) -> None:
    warm = [workers() for _ in range(4)]
    for worker in warm:
        worker.arrive()
    run = api.run(ann).json
    assert in_threads(lambda m: deliver("runs", m), [message(ann, run)] * 8) == [[]] * 8
    assert sum(len(worker.jobs) for worker in warm) == 1
    assert idle(everything) == 3
    assert get(api, ann, run)["attempt"] == 1


def test_parallel_runs_never_share_a_worker(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, in_threads: Callable[..., Any]
) -> None:
    warm = [workers() for _ in range(3)]
    for worker in warm:
        worker.arrive()
    runs = [api.run(ann).json for _ in range(6)]
    in_threads(lambda run: deliver("runs", message(ann, run)), runs)
    assert [len(worker.jobs) for worker in warm] == [1, 1, 1]
    statuses = sorted(get(api, ann, run)["status"] for run in runs)
    assert statuses == ["queued"] * 3 + ["running"] * 3


def test_without_a_worker_the_run_stays_queued_and_one_is_asked_for(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    run = api.run(ann).json
    consume(everything, "runs")
    assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("queued", 0)
    assert sent(everything, "workers") == [{"count": 1}]
    assert sent(everything, "runs") == []


def test_a_worker_that_refuses_is_forgotten_and_another_takes_the_run(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    bad, good = workers(), workers()
    bad.answer = 409
    bad.arrive()
    good.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    assert (len(bad.jobs), len(good.jobs)) == (1, 1)
    assert good.jobs[0]["attempt"] == 2
    assert get(api, ann, run)["status"] == "running"
    # The refused attempt's token opens nothing any more.
    assert bad.finish(api).status == 409
    assert everything.execute("select task_arn from workers where state = 'busy'").fetchall() == [(good.task_arn,)]
    assert used(everything) == 1


def test_a_worker_that_nobody_answers_for_is_forgotten(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker = workers()
    worker.address = "127.0.0.1:1"
    worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    assert get(api, ann, run)["status"] == "queued"
    assert idle(everything) == 0
    # It waits for the next worker: its own message and a request for one are on their way.
    assert len(sent(everything, "runs")) == 1 and len(sent(everything, "workers")) == 1


def test_refusals_are_no_tries(api: Api, ann: Person, everything: psycopg.Connection, workers: Workers) -> None:
    """A fleet that went without a word leaves many rows behind: the run waits for a worker that is there."""
    for _ in range(4):
        worker = workers()
        worker.answer = 500
        worker.arrive()
    run = api.run(ann).json
    consume(everything, "runs")
    assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"]) == ("queued", 4)
    assert idle(everything) == 0
    for _ in range(3):
        assert get(api, ann, run)["status"] == "queued"
        worker = workers()
        worker.arrive()
        consume(everything, "runs")
        worker.leave("Spot interruption")
    lost = get(api, ann, run)
    assert (lost["status"], lost["reason"]) == ("lost", "the worker stopped: Spot interruption; try 3 of 3")
    assert used(everything) == 0


def test_only_a_new_run_asks_for_a_worker(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    """Its message is repeated every minute while it waits: each must not start another task."""
    api.run(ann)
    everything.execute("update runs set created_at = now() - interval '1 minute'")
    consume(everything, "runs")
    assert sent(everything, "workers") == []


def test_a_run_that_is_cancelled_while_it_is_refused_ends_as_cancelled(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = workers()
    worker.answer = 500
    worker.arrive()
    run = api.run(ann).json
    everything.execute("update runs set cancel_requested_at = now()")
    consume(everything, "runs")
    assert get(api, ann, run)["status"] == "cancelled"
    assert used(everything) == 0


def test_large_sources_travel_as_a_bundle(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, machine: Machine
) -> None:
    worker = workers()
    worker.arrive()
    noise = os.urandom(1_100_000)
    api.save(ann, "data/noise", noise)
    api.run(ann)
    consume(everything, "runs")
    sources = worker.jobs[0]["sources"]
    assert set(sources) == {"bundle_url", "sha256"}
    assert sources["bundle_url"].startswith(machine.public_url)
    (stored,) = Path(machine.data, "objects", "bundles").iterdir()
    packed = stored.read_bytes().split(b"\n", 1)[1]
    assert hashlib.sha256(packed).hexdigest() == sources["sha256"]
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        assert {name: bundle.read(name) for name in bundle.namelist()} == {
            "data/noise": noise,
            "main.py": b"print('hello')",
        }


def test_a_message_about_a_run_that_is_gone_is_done(api: Api, ann: Person, workers: Workers) -> None:
    workers().arrive()
    run = api.run(ann).json
    api.call("DELETE /v1/projects/{project_id}", by=ann, project_id=ann.project["id"])
    assert deliver("runs", message(ann, run), {**message(ann, run), "cancel": True}) == []


def test_a_message_that_names_another_team_finds_nothing(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers
) -> None:
    worker, bob = workers(), api.project("Bob")
    worker.arrive()
    run = api.run(ann).json
    assert deliver("runs", {**message(bob, run)}) == []
    assert worker.jobs == [] and get(api, ann, run)["status"] == "queued"


def test_what_cannot_be_bundled_leaves_run_and_worker_as_they_were(
    api: Api, ann: Person, everything: psycopg.Connection, workers: Workers, machine: Machine
) -> None:
    worker = workers()
    worker.arrive()
    api.save(ann, "data/noise", os.urandom(1_100_000))
    run = api.run(ann).json
    clear(everything)
    Path(machine.data, "objects").write_text("in the way")
    assert deliver("runs", message(ann, run)) == ["0"]
    assert (get(api, ann, run)["attempt"], idle(everything)) == (0, 1)
    Path(machine.data, "objects").unlink()
    assert deliver("runs", message(ann, run)) == []
    assert len(worker.jobs) == 1
