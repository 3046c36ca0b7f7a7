from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
from slipway import capabilities, db, outbox
from slipway.capabilities import GONE_QUEUE, RUNS_QUEUE, Capability
from slipway.catalogue import BROADCAST, RUNS
from slipway.connections import Gone

from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from tests.api import Api
from tests.core.backstage import sent, tick

pytestmark = pytest.mark.usefixtures("granted")


class Away:
    """A queue that cannot be reached."""

    def send(self, bodies: Sequence[str], delay_seconds: int = 0) -> None:
        raise OSError("the queue is away")


@pytest.fixture
def without(machine: Machine) -> Callable[..., None]:
    """Take queues away, or (without any) give them all back."""
    local = provider(machine)

    def take(*gone: Capability[Any]) -> None:
        capabilities.provide(lambda c: Away() if c in gone else local(c))

    return take


def kept(everything: psycopg.Connection) -> int:
    row = everything.execute("select count(*) from outbox").fetchone()
    return int(row[0]) if row else 0


def older(everything: psycopg.Connection, seconds: int = 31) -> None:
    everything.execute("update outbox set created_at = now() - make_interval(secs => %s)", (seconds,))


def announce(*words: str) -> None:
    with db.for_platform() as tx:
        for word in words:
            tx.send(RUNS, Gone(connections=[word]))


def said(everything: psycopg.Connection, queue: str = "runs") -> list[str]:
    return sorted(message["connections"][0] for message in sent(everything, queue))


def test_a_message_is_sent_after_the_commit_and_its_row_deleted(everything: psycopg.Connection) -> None:
    with db.for_platform() as tx:
        tx.send(RUNS, Gone(connections=["a"]))
        assert said(everything) == []
    assert said(everything) == ["a"]
    assert kept(everything) == 0


def test_a_transaction_that_rolls_back_sends_nothing(everything: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), db.for_platform() as tx:
        tx.send(RUNS, Gone(connections=["a"]))
        1 / 0  # noqa: B018
    older(everything)
    tick("sweep")
    assert said(everything) == [] and kept(everything) == 0


def test_a_queue_that_is_away_leaves_the_row_and_the_sweeper_sends_it(
    everything: psycopg.Connection, without: Callable[..., None]
) -> None:
    without(RUNS_QUEUE)
    announce("a", "b")
    assert kept(everything) == 2
    without()
    tick("sweep")
    assert said(everything) == []  # too young: its sender may still be at it
    older(everything)
    tick("sweep")
    assert said(everything) == ["a", "b"] and kept(everything) == 0


def test_the_sweeper_keeps_what_it_cannot_send_either(
    everything: psycopg.Connection, without: Callable[..., None]
) -> None:
    without(RUNS_QUEUE)
    announce("a")
    older(everything)
    tick("sweep")
    assert kept(everything) == 1


def test_a_crash_between_commit_and_send_loses_nothing(
    everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "send", crash)
        with pytest.raises(KeyboardInterrupt):
            announce("a")
    older(everything)
    tick("sweep")
    assert said(everything) == ["a"] and kept(everything) == 0


def test_a_crash_between_send_and_delete_sends_again(
    api: Api, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything.execute("alter function app.outbox_sent(uuid[]) rename to out_of_order")
    announce("a")  # what it announces is committed, so this is no error
    everything.execute("alter function app.out_of_order(uuid[]) rename to outbox_sent")
    assert (said(everything), kept(everything)) == (["a"], 1)
    older(everything)
    tick("sweep")
    assert (said(everything), kept(everything)) == (["a", "a"], 0)


def test_one_queue_that_is_away_does_not_hold_up_the_others(
    everything: psycopg.Connection, without: Callable[..., None]
) -> None:
    without(GONE_QUEUE, RUNS_QUEUE)
    with db.for_platform() as tx:
        for queue in (RUNS, BROADCAST, RUNS, BROADCAST):
            tx.send(queue, Gone(connections=[queue.name]))
    assert said(everything, "broadcast") == ["broadcast"] * 2
    assert kept(everything) == 2


def test_a_request_succeeds_while_the_queues_are_away(
    api: Api, everything: psycopg.Connection, without: Callable[..., None]
) -> None:
    ann = api.project()
    api.save(ann, "main.py", b"1")
    without(*capabilities.QUEUE_CAPABILITIES.values())
    assert api.run(ann).status == 202
    without()
    older(everything)
    tick("sweep")
    assert len(sent(everything, "runs")) == 1


def test_two_sweepers_send_everything_at_least_once(
    everything: psycopg.Connection, without: Callable[..., None], in_threads: Callable[..., Any]
) -> None:
    without(RUNS_QUEUE)
    announce(*(str(n) for n in range(30)))
    without()
    older(everything)
    in_threads(lambda _: tick("sweep"), [None] * 3)
    assert set(said(everything)) == {str(n) for n in range(30)} and kept(everything) == 0


def test_a_function_that_did_not_declare_the_queue_is_told(machine: Machine) -> None:
    refused = pytest.raises(capabilities.UndeclaredUse, match="careless used runs_queue")
    with capabilities.granting("careless", (capabilities.DATABASE,)), refused:
        announce("a")
