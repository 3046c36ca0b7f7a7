"""The consumers of queues: real messages, real Postgres, functions declared here."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from typing import Any, cast

import pytest
from pydantic import BaseModel
from slipway.queue import Queue, QueueSpec

from stacks.local import queues
from stacks.local.machine import Machine
from stacks.local.postgres import Server
from stacks.local.queues import PostgresQueue
from tests.capabilities.declared import BRIEF, EMPTY, consumer, consuming, counts, until


def test_a_function_gets_the_event_that_lambda_would_give_it(machine: Machine) -> None:
    contexts: list[Any] = []
    function = consumer(lambda event, context: contexts.append(context))
    with consuming(machine, [function]):
        PostgresQueue(machine.owner_url, "runs").send(['{"n": 1}'])
        until(lambda: function.calls and counts(machine) == EMPTY)
    (record,) = function.calls[0]["Records"]
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody",
        "eventSource", "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert record["body"] == '{"n": 1}'
    assert record["md5OfBody"] == hashlib.md5(b'{"n": 1}').hexdigest()
    assert record["eventSourceARN"] == "arn:aws:sqs:local:000000000000:runs"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(record["attributes"]["SentTimestamp"]) / 1000 - time.time()) < 10
    assert contexts[0].function_name == "tests_function"
    assert 0 < contexts[0].get_remaining_time_in_millis() <= 10_000


def test_only_what_failed_comes_again_and_then_is_a_dead_letter(machine: Machine) -> None:
    def fail_bad(event: Any, _: Any) -> Any:
        bad = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in bad]}

    function = consumer(fail_bad)
    PostgresQueue(machine.owner_url, "runs").send(["good", "bad"])
    with consuming(machine, [function]):
        until(lambda: counts(machine) == queues.Counts(0, 0, 0, 1))
    received = [r["body"] for call in function.calls for r in call["Records"]]
    assert sorted(received) == ["bad", "bad", "good"]


@pytest.mark.parametrize("answer", ["raise", {"itemIdentifier": "unknown"}, {}], ids=["raises", "unknown", "nameless"])
def test_a_function_that_raises_or_answers_nonsense_gets_the_whole_batch_again(machine: Machine, answer: Any) -> None:
    def body(event: Any, _: Any) -> Any:
        if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2":
            return None
        if answer == "raise":
            raise RuntimeError("broken")
        return {"batchItemFailures": [answer]}

    function = consumer(body)
    PostgresQueue(machine.owner_url, "runs").send(["a", "b"])
    with consuming(machine, [function]):
        until(lambda: counts(machine) == EMPTY)
    assert [len(call["Records"]) for call in function.calls] == [2, 2]


def test_no_more_batches_are_in_work_than_the_function_declares(machine: Machine) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def body(*_: Any) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1

    function = consumer(body, replace(BRIEF, batch_size=1, visibility_seconds=60), concurrency=3)
    PostgresQueue(machine.owner_url, "runs").send([str(n) for n in range(12)])
    with consuming(machine, [function]):
        until(lambda: counts(machine) == EMPTY)
    assert most == 3
    assert len(function.calls) == 12


def test_a_send_wakes_its_consumer_long_before_the_next_look(machine: Machine) -> None:
    called = threading.Event()
    function = consumer(lambda *_: called.set())
    times = []
    with consuming(machine, [function]):
        time.sleep(0.3)
        for _ in range(20):
            called.clear()
            start = time.perf_counter()
            PostgresQueue(machine.owner_url, "runs").send(["x"])
            assert called.wait(5)
            times.append(time.perf_counter() - start)
            time.sleep(0.01)
    assert sorted(times)[10] < 0.2, "the poll comes once a second: LISTEN does not work"


def test_a_delayed_message_is_found_though_nothing_announces_it(machine: Machine) -> None:
    function = consumer(lambda *_: None)
    with consuming(machine, [function]):
        PostgresQueue(machine.owner_url, "runs").send(["later"], delay_seconds=1)
        time.sleep(0.5)
        assert function.calls == []
        until(lambda: function.calls, 4)


def test_a_restart_of_postgres_is_survived_and_reported_once(
    machine: Machine, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    function = consumer(lambda *_: None)
    with consuming(machine, [function]):
        PostgresQueue(machine.owner_url, "runs").send(["before"])
        until(lambda: counts(machine) == EMPTY)
        server.stop()
        time.sleep(1.5)
        server.start()
        PostgresQueue(machine.owner_url, "runs").send(["after"])
        until(lambda: [c["Records"][0]["body"] for c in function.calls] == ["before", "after"])
        until(lambda: any("answers again" in r.message for r in caplog.records))
    assert len([r for r in caplog.records if "does not answer" in r.message]) == 1


def test_stopping_waits_for_what_is_in_work_and_receives_no_more(machine: Machine) -> None:
    begun, ended = threading.Event(), threading.Event()

    def body(*_: Any) -> None:
        begun.set()
        time.sleep(0.5)
        ended.set()

    function = consumer(body, replace(BRIEF, batch_size=1), concurrency=1)
    PostgresQueue(machine.owner_url, "runs").send(["in work", "still there"])
    with consuming(machine, [function]) as consumers:
        assert begun.wait(5)
        assert consumers.finish(5.0) is True
    assert ended.is_set()
    assert counts(machine) == queues.Counts(visible=1, in_flight=0, delayed=0, dead=0)


def test_stopping_does_not_wait_for_ever(machine: Machine) -> None:
    begun, release = threading.Event(), threading.Event()

    def body(*_: Any) -> None:
        begun.set()
        release.wait(20)

    PostgresQueue(machine.owner_url, "runs").send(["hangs"])
    with consuming(machine, [consumer(body)]) as consumers:
        assert begun.wait(5)
        start = time.monotonic()
        assert consumers.finish(0.3) is False
        assert time.monotonic() - start < 3
        release.set()


def test_a_function_that_hangs_makes_room_after_its_timeout_and_its_late_success_does_not_count(
    machine: Machine,
) -> None:
    release = threading.Event()

    def body(event: Any, _: Any) -> None:
        if event["Records"][0]["body"] == "hangs":
            release.wait(20)

    function = consumer(body, replace(BRIEF, batch_size=1, visibility_seconds=60), concurrency=1)
    function.spec.timeout = 1
    PostgresQueue(machine.owner_url, "runs").send(["hangs"])
    with consuming(machine, [function]):
        until(lambda: function.calls)
        PostgresQueue(machine.owner_url, "runs").send(["next"])
        until(lambda: len(function.calls) == 2)
        release.set()
        time.sleep(0.3)
    assert counts(machine) == queues.Counts(visible=0, in_flight=1, delayed=0, dead=0)


class Order(BaseModel):
    number: int


def test_a_really_declared_function_gets_its_model_and_bad_messages_die_alone(machine: Machine) -> None:
    numbers: list[int] = []

    def body(order: Order) -> None:
        numbers.append(order.number)

    spec = QueueSpec(
        name="queue_runs", module="functions.queue.runs", attribute="body", domain="queue", summary="", uses=(),
        memory=512, timeout=10, queue=replace(BRIEF, max_receives=1), concurrency=2,
    )  # fmt: skip
    body.__annotations__["order"] = Order
    PostgresQueue(machine.owner_url, "runs").send(['{"number": 7}', "not json", '{"number": "x"}'])
    with consuming(machine, [cast(Any, Queue(spec, body))]):
        until(lambda: counts(machine) == queues.Counts(0, 0, 0, 2))
    assert numbers == [7]
