"""EventBridge's place: an event is a row in the queue `events`, delivered to every function that declares it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from slipway import catalogue, clock
from slipway.event import Event

from stacks.local import queues, sessions
from stacks.local.deliveries import context, eventbridge_event
from stacks.local.machine import Machine
from stacks.local.queues import Message

# Three attempts a minute apart: Lambda's asynchronous invocation makes two retries, after one minute and after two.
QUEUE = catalogue.Queue("events", "ephemeral", 60, 3, 1, "what happened on this machine, for the functions that care")


def put_event(machine: Machine, source: str, detail_type: str, detail: dict[str, Any]) -> str:
    """Report that something happened; the event's id. Returns when the event is stored."""
    time = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    event = eventbridge_event(source, detail_type, detail, time)
    send(machine.owner_url, event, "")
    return str(event["id"])


def send(conninfo: str, event: dict[str, Any], target: str) -> None:
    body = json.dumps({"target": target, "event": event})
    sessions.run(conninfo, lambda c: queues.send(c, QUEUE.name, [body]), patience=5.0)


def deliver(conninfo: str, functions: Sequence[Event], message: Message) -> None:
    """Call the function that a message is for; raises what it raises.

    An event that several functions want becomes one message for each, so that one's failure repeats only its own.
    """
    content = json.loads(message.body)
    event, target = content["event"], content["target"]
    wanted = [f for f in functions if matches(f, event) and target in ("", f.spec.module)]
    if len(wanted) == 1:
        wanted[0](event, context(wanted[0]))
        return
    for function in wanted:
        send(conninfo, event, function.spec.module)


def matches(function: Event, event: dict[str, Any]) -> bool:
    return (function.spec.source, function.spec.detail_type) == (event["source"], event["detail-type"])
