"""SQS's semantics on one machine, where AWS needs no test of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from slipway import catalogue

from stacks.local import queues, sessions
from stacks.local.machine import Machine
from stacks.local.postgres import Server
from stacks.local.queues import Message

QUEUE = catalogue.Queue("runs", "ephemeral", 60, 3, 10, "")
BRIEF = replace(QUEUE, visibility_seconds=1)
Run = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture
def run(machine: Machine) -> Run:
    return lambda work: sessions.run(machine.owner_url, work)


def send(run: Run, *bodies: str) -> None:
    run(lambda c: queues.send(c, "runs", bodies))


def receive(run: Run, queue: catalogue.Queue = QUEUE, most: int = 10) -> list[Message]:
    found: list[Message] = run(lambda c: queues.receive(c, queue, most))
    return found


def test_a_received_message_is_hidden_until_it_is_deleted(run: Run) -> None:
    send(run, "a")
    (message,) = receive(run)
    assert (message.body, message.receives) == ("a", 1)
    assert abs(message.sent_ms / 1000 - time.time()) < 5
    assert receive(run) == []
    assert run(lambda c: queues.delete(c, [message.receipt])) == 1
    assert run(lambda c: queues.counts(c, "runs")) == queues.Counts(0, 0, 0, 0)


def test_a_message_that_is_not_deleted_comes_again_after_its_visibility_timeout(run: Run) -> None:
    send(run, "a")
    (first,) = receive(run, BRIEF)
    assert receive(run, BRIEF) == []
    time.sleep(1.1)
    (second,) = receive(run, BRIEF)
    assert (second.id, second.receives) == (first.id, 2)
    assert second.receipt != first.receipt
    assert second.first_received_ms == first.first_received_ms


def test_an_old_receipt_neither_deletes_nor_shows_what_another_receives(run: Run) -> None:
    send(run, "a")
    (first,) = receive(run, replace(QUEUE, visibility_seconds=0))
    (second,) = receive(run)
    assert run(lambda c: queues.delete(c, [first.receipt])) == 0
    assert run(lambda c: queues.set_visibility(c, [first.receipt], 0)) == 0
    assert receive(run) == []
    assert run(lambda c: queues.delete(c, [second.receipt])) == 1


def test_a_message_can_be_shown_at_once(run: Run) -> None:
    send(run, "a", "b")
    first = receive(run)
    assert run(lambda c: queues.set_visibility(c, [first[0].receipt], 0)) == 1
    assert [m.id for m in receive(run)] == [first[0].id]


def test_a_message_received_too_often_becomes_a_dead_letter_and_does_not_hide_the_next(run: Run) -> None:
    at_once = replace(QUEUE, visibility_seconds=0)
    send(run, "poison")
    assert [receive(run, at_once, 1)[0].receives for _ in range(3)] == [1, 2, 3]
    send(run, "good")
    assert [m.body for m in receive(run, at_once, 1)] == ["good"]
    assert run(lambda c: queues.counts(c, "runs")).dead == 1


def test_dead_letters_are_replayed_as_new(run: Run) -> None:
    at_once = replace(QUEUE, visibility_seconds=0)
    send(run, "a", "b")
    for _ in range(4):
        receive(run, at_once)
    assert run(lambda c: queues.counts(c, "runs")).dead == 2
    assert run(lambda c: queues.replay(c, "runs")) == 2
    assert run(lambda c: queues.replay(c, "runs")) == 0
    assert sorted((m.body, m.receives) for m in receive(run)) == [("a", 1), ("b", 1)]


def test_counts_tell_visible_from_in_flight_delayed_and_dead(run: Run) -> None:
    send(run, "a", "b", "c")
    run(lambda c: queues.send(c, "runs", ["later"], 60))
    run(lambda c: queues.send(c, "runs-dlq", ["dead"]))
    receive(run, most=2)
    assert run(lambda c: queues.counts(c, "runs")) == queues.Counts(visible=1, in_flight=2, delayed=1, dead=1)
    assert run(lambda c: queues.counts(c, "gone")) == queues.Counts(0, 0, 0, 0)


def test_purge_empties_one_queue_only(run: Run) -> None:
    send(run, "a", "b")
    run(lambda c: queues.send(c, "gone", ["kept"]))
    receive(run, most=1)
    assert run(lambda c: queues.purge(c, "runs")) == 2
    assert run(lambda c: queues.counts(c, "gone")).visible == 1


def test_messages_older_than_four_days_and_dead_letters_older_than_fourteen_are_dropped(
    run: Run, machine: Machine
) -> None:
    for queue, days in (("runs", 3.9), ("runs", 4.1), ("runs-dlq", 13.9), ("runs-dlq", 14.1)):
        run(partial(queues.send, queue=queue, bodies=[str(days)]))
    with psycopg.connect(machine.owner_url) as connection:
        connection.execute("update local.messages set sent_at = now() - make_interval(secs => body::float8 * 86400)")
    assert run(queues.expire) == 2
    with psycopg.connect(machine.owner_url) as connection:
        assert connection.execute("select body from local.messages order by 1").fetchall() == [("13.9",), ("3.9",)]


@pytest.mark.parametrize("most", [0, 11])
def test_a_batch_is_one_to_ten(run: Run, most: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        receive(run, most=most)


def test_rivals_share_the_messages_and_none_is_received_twice(run: Run) -> None:
    send(run, *[str(n) for n in range(200)])
    start = threading.Barrier(8)

    def drain(_: int) -> list[str]:
        start.wait()
        bodies: list[str] = []
        while found := receive(run, most=3):
            bodies += [message.body for message in found]
        return bodies

    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(drain, range(8)))
    assert sorted(int(body) for share in shares for body in share) == list(range(200))
    assert sum(1 for share in shares if share) > 1


def test_making_the_tables_again_and_at_once_keeps_what_is_in_them(run: Run, machine: Machine) -> None:
    send(run, "kept")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(queues.create, [machine.owner_url] * 4))
    assert [m.body for m in receive(run)] == ["kept"]


def test_what_was_sent_survives_a_crash_of_the_server_and_senders_wait_for_it(
    run: Run, machine: Machine, server: Server
) -> None:
    send(run, "before")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(queues.PostgresQueue(machine.owner_url, "runs").send, ["during"])
        time.sleep(0.3)
        assert not sending.done()
        server.start()
        sending.result()
    assert sorted(m.body for m in receive(run)) == ["before", "during"]
