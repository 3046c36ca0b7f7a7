from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import say, sent
from tests.core.runs.conftest import lose
from tests.core.runs.test_run import cancel, events, get, used
from tests.core.worker import Worker

FINAL = ("succeeded", "failed", "timed_out", "memory_exceeded", "output_exceeded", "disk_exceeded", "process_limit",
         "signalled", "cancelled", "never_started", "lost")  # fmt: skip
SHA = hashlib.sha256(b"x").hexdigest()


def log(api: Api, person: Person, run: Any) -> bytes:
    chunks = api.call("GET /v1/runs/{run_id}/log", by=person, run_id=run["id"]).json["chunks"]
    return b"".join(base64.b64decode(chunk["data"]["data_base64"]) for chunk in chunks)


# ── Output ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_output_appears_in_the_log_byte_for_byte(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    assert worker.output(api, (1, b"one\n"), (2, bytes(range(256)))).json == {"cancel": False}
    worker.output(api, (3, b"\xff\0"))
    assert log(api, ann, run) == b"one\n" + bytes(range(256)) + b"\xff\0"


def test_repeated_output_adds_nothing(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    for _ in range(3):
        assert worker.output(api, (1, b"one"), (2, b"two")).status == 200
    worker.output(api, (2, b"two"), (3, b"three"))
    assert log(api, ann, run) == b"onetwothree"


def test_chunks_of_one_report_are_put_in_order(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    worker.output(api, (3, b"c"), (1, b"a"), (2, b"b"))
    assert log(api, ann, run) == b"abc"


def test_a_report_that_arrives_after_a_later_one_adds_nothing(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    """A worker sends one report after the other: an older one is a repetition that was under way for long."""
    worker.output(api, (1, b"a"))
    worker.output(api, (2, b"b"), (3, b"c"))
    worker.output(api, (2, b"b"))
    assert log(api, ann, run) == b"abc"


def test_the_same_report_sent_many_times_at_once_counts_once(
    api: Api, ann: Person, worker: Worker, run: Any, in_threads: Callable[..., Any]
) -> None:
    statuses = in_threads(lambda _: worker.output(api, (1, b"a"), (2, b"b")).status, [None] * 8)
    assert statuses == [200] * 8
    assert log(api, ann, run) == b"ab"


def test_who_listens_gets_the_output(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection
) -> None:
    say("$connect", ann, "c1", kind="CONNECT")
    say("room.subscribe", ann, "c1", room=run["id"])
    worker.output(api, *[(n, b"x" * 15_000) for n in range(1, 101)])
    frames = [frame for message in sent(everything, "broadcast") for frame in message["frames"]]
    assert len(frames) == 100 and all('"run.output"' in frame for frame in frames)
    assert everything.execute("select count(*) from outbox").fetchone() == (0,)


def test_the_first_report_means_that_the_run_is_running(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection
) -> None:
    everything.execute("update runs set status = 'starting', started_at = null")
    worker.output(api, (1, b"a"))
    assert get(api, ann, run)["status"] == "running" and get(api, ann, run)["started_at"]
    assert events(everything, run["id"])[-2:] == ["run.running", "run.output"]


def test_every_report_renews_the_lease(api: Api, worker: Worker, run: Any, everything: psycopg.Connection) -> None:
    reports: dict[str, Any] = {"heartbeat": {}, "output": {"chunks": []}}
    for what, body in reports.items():
        everything.execute("update runs set lease_expires_at = now() + interval '1 second'")
        assert worker.report(api, what, **body).status == 200
        left = everything.execute("select lease_expires_at - now() > interval '15 seconds' from runs").fetchone()
        assert left == (True,)


@pytest.mark.parametrize(
    "chunk",
    [{"seq": 0}, {"seq": 2**64}, {"stream": "stdin"}, {"data_base64": "x" * 24_001}, {"at": "soon"}],
    ids=["seq 0", "seq too large", "stream", "too long", "at"],
)
def test_a_chunk_that_is_not_valid_is_422(api: Api, ann: Person, worker: Worker, run: Any, chunk: Any) -> None:
    good = {"seq": 1, "stream": "stdout", "at": "2026-01-01T00:00:00Z", "data_base64": "YQ=="}
    assert worker.report(api, "output", chunks=[{**good, **chunk}]).status == 422
    assert log(api, ann, run) == b""


# ── The result ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [status for status in FINAL if status != "lost"])
def test_every_end_gives_the_slot_back_exactly_once(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection, status: str
) -> None:
    other = api.run(ann)
    assert (other.status, used(everything)) == (202, 2)
    assert worker.finish(api, status).status == 204
    assert used(everything) == 1
    assert worker.finish(api, status).status == 409
    lose(everything)
    assert used(everything) == 1
    ended = get(api, ann, run)
    assert (ended["status"], bool(ended["finished_at"])) == (status, True)
    assert events(everything, run["id"]).count("run.finished") == 1
    assert events(everything, ann.project["id"]).count("run.finished") == 1


def test_a_run_that_the_worker_lost_is_tried_again(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection
) -> None:
    """Its host went away, its sources could not be fetched: no fault of the program."""
    assert worker.finish(api, "lost", reason="the worker was told to stop").status == 204
    assert worker.finish(api, "lost").status == 409
    assert (get(api, ann, run)["status"], used(everything)) == ("queued", 1)
    assert len(sent(everything, "runs")) == 1


def test_the_result_is_what_the_worker_measured(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    measured: dict[str, Any] = {
        "exit_code": 3, "signal": 9, "wall_ms": 12, "cpu_ms": 7, "peak_memory_bytes": 1, "output_bytes": 2,
        "disk_bytes": 3, "truncated": True, "language": "python", "language_version": "3.13",
        "isolation": {"network": "namespace"},
    }  # fmt: skip
    worker.finish(api, "failed", reason="it said 3", **measured)
    ended = get(api, ann, run)
    assert ended["result"] == {**measured, "signal": "SIGKILL"}
    assert ended["reason"] == "it said 3"


def test_of_results_that_come_at_once_one_counts(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    statuses = in_threads(lambda n: worker.finish(api, reason=str(n)).status, list(range(6)))
    assert sorted(statuses) == [204] + [409] * 5
    assert used(everything) == 0


def test_a_result_is_not_lost_over_a_character(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    assert worker.finish(api, "failed", reason="bad\0name").status == 204
    assert get(api, ann, run)["reason"] == "bad\ufffdname"


@pytest.mark.parametrize("wall_ms", [-5000, 10**25])
def test_a_measure_that_cannot_be_is_refused_and_the_run_can_still_end(
    api: Api, worker: Worker, run: Any, everything: psycopg.Connection, wall_ms: int
) -> None:
    assert worker.report(api, "result", status="succeeded", wall_ms=wall_ms).status == 422
    assert worker.report(api, "result", status="succeeded", wall_ms=1).status == 204
    assert used(everything) == 0


def test_after_the_result_the_token_opens_nothing(api: Api, worker: Worker, run: Any) -> None:
    worker.finish(api)
    answers = [worker.output(api, (9, b"late")), worker.report(api, "heartbeat"), worker.finish(api)]
    answers.append(worker.report(api, "artifacts", path="a", size=1, sha256=SHA))
    assert [(a.status, a.json["code"]) for a in answers] == [(409, "stale_attempt")] * 4


# ── Attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_reports_of_an_attempt_that_was_given_to_another_are_refused(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker.output(api, (1, b"first "))
    second = workers()
    second.arrive()
    lose(everything)
    assert second.jobs[0]["attempt"] == 2
    late = [worker.output(api, (2, b"late")), worker.report(api, "heartbeat"), worker.finish(api)]
    assert [(a.status, a.json["code"]) for a in late] == [(409, "stale_attempt")] * 3
    assert second.output(api, (1, b"second")).status == 200
    assert second.finish(api).status == 204
    assert log(api, ann, run) == b"first second"
    assert (get(api, ann, run)["status"], get(api, ann, run)["attempt"], used(everything)) == ("succeeded", 2, 0)


def test_a_token_s_report_must_name_its_own_attempt_and_run(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    assert worker.report(api, "heartbeat", attempt=2).status == 409
    other = api.run(ann).json
    key = "POST /v1/worker/runs/{run_id}/heartbeat"
    assert api.call(key, {"attempt": 1}, by=worker.jobs[0]["token"], run_id=other["id"]).status == 409
    assert api.call(key, {"attempt": 1}, by="slp_run_guess", run_id=run["id"]).status == 409


def test_a_report_that_overlaps_with_the_requeueing_does_not_touch_the_next_attempt(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the token and the update, the run is given to another attempt."""
    from slipway.runs import report

    fence = report.fence

    def meanwhile(*arguments: Any) -> None:
        fence(*arguments)
        everything.execute("update runs set attempt = 2, status = 'starting', token_hash = %s, output_seq = 0", (b"2",))

    monkeypatch.setattr(report, "fence", meanwhile)
    assert worker.output(api, (1, b"stale"), (2, b"stale")).status == 409
    kept = everything.execute("select attempt, status, output_seq from runs").fetchone()
    assert kept == (2, "starting", 0)


def test_a_worker_is_no_user_and_a_user_no_worker(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    token = worker.jobs[0]["token"]
    assert api.call("GET /v1/runs/{run_id}", by=token, run_id=run["id"]).status == 401
    assert api.call("GET /v1/me", by=token).status == 401
    assert api.call("POST /v1/worker/runs/{run_id}/heartbeat", {"attempt": 1}, by=ann, run_id=run["id"]).status == 401
    assert api.call("POST /v1/worker/runs/{run_id}/heartbeat", {"attempt": 1}, run_id=run["id"]).status == 401


def test_a_worker_hears_of_a_cancellation_with_every_report(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    cancel(api, ann, run)
    assert worker.output(api, (1, b"a")).json == {"cancel": True}
    assert worker.report(api, "heartbeat").json == {"cancel": True}


# ── Artifacts ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipt_that_fits_into_no_event_is_refused(api: Api, worker: Worker, run: Any) -> None:
    refused = worker.finish(api, isolation={"mechanism": "x" * 9000})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/body/isolation")
