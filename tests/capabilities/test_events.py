"""Events on one machine: delivered to every function that declares them, as EventBridge does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stacks.local import events, queues
from stacks.local.machine import Machine
from tests.capabilities.declared import EMPTY, Declared, consuming, counts, until


def listener(name: str, body: Callable[[Any, Any], Any], detail_type: str = "Task State Change") -> Declared:
    return Declared(body, name=name, module=f"functions.event.{name}", source="local.tasks", detail_type=detail_type)


def test_an_event_reaches_every_function_that_declares_it_and_no_other(machine: Machine) -> None:
    first, second = listener("a", lambda *_: None), listener("b", lambda *_: None)
    other = listener("c", lambda *_: None, detail_type="Something Else")
    with consuming(machine, event=[first, second, other]):
        id = events.put_event(machine, "local.tasks", "Task State Change", {"task": "1"})
        until(lambda: first.calls and second.calls and counts(machine, "events") == EMPTY)
    assert len(first.calls) == len(second.calls) == 1
    assert other.calls == []
    event = first.calls[0]
    assert set(event) == {
        "version", "id", "source", "detail-type", "account", "time", "region", "resources", "detail",
    }  # fmt: skip
    assert (event["id"], event["detail"], event["version"]) == (id, {"task": "1"}, "0")


def test_an_event_is_tried_three_times_for_the_function_that_fails_and_for_it_alone(machine: Machine) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    good, bad = listener("good", lambda *_: None), listener("bad", fail)
    with consuming(machine, event=[good, bad], event_queue=replace(events.QUEUE, visibility_seconds=1)):
        events.put_event(machine, "local.tasks", "Task State Change", {})
        until(lambda: counts(machine, "events") == queues.Counts(0, 0, 0, 1))
    assert (len(good.calls), len(bad.calls)) == (1, 3)


def test_an_event_that_nobody_wants_is_dropped(machine: Machine) -> None:
    with consuming(machine):
        events.put_event(machine, "local.tasks", "Nobody Cares", {})
        until(lambda: counts(machine, "events") == EMPTY)
