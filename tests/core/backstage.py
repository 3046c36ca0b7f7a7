"""What the platform does behind a request, one step at a time: queues are read, consumers and schedules are called."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
from slipway import discover, ids

CONTEXT = SimpleNamespace(aws_request_id="test")


def sent(everything: psycopg.Connection, queue: str) -> list[Any]:
    """The messages that wait in a queue, oldest first, as JSON."""
    query = "select body from local.messages where queue = %s order by sent_at, id"
    return [json.loads(body) for (body,) in everything.execute(query, (queue,))]


def clear(everything: psycopg.Connection) -> None:
    """Empty every queue."""
    everything.execute("delete from local.messages")


def deliver(queue: str, *messages: Any) -> list[str]:
    """Hand messages to the queue's consumer as SQS does; returns the ids of those that failed (`"0"`, `"1"`, …)."""
    consumer = next(q for q in discover.queues() if q.spec.queue.name == queue)
    records = [
        {"messageId": str(i), "body": json.dumps(m), "attributes": {"ApproximateReceiveCount": "1"}}
        for i, m in enumerate(messages)
    ]
    answer = consumer({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def consume(everything: psycopg.Connection, queue: str) -> int:
    """Deliver what waits in a queue, once; returns how many messages that were. Fails when one failed."""
    rows = everything.execute("delete from local.messages where queue = %s returning body, sent_at, id", (queue,))
    messages = [json.loads(body) for body, *_ in sorted(rows, key=lambda row: row[1:])]
    assert deliver(queue, *messages) == []
    return len(messages)


def tick(schedule: str) -> None:
    """Start a scheduled job, by its name."""
    next(s for s in discover.schedules() if s.spec.name.endswith(schedule))({}, CONTEXT)


def happen(event: str, detail: dict[str, Any]) -> None:
    """Report an event, by its function's name."""
    function = next(e for e in discover.events() if e.spec.name.endswith(event))
    function({"id": uuid4().hex, "detail": detail}, CONTEXT)


def say(action: str, person: Any, connection: str, kind: str = "MESSAGE", **message: Any) -> Any:
    """A WebSocket message (or `$connect`, `$disconnect`) of somebody who is logged in; the answer's JSON."""
    socket = next(s for s in discover.sockets() if s.spec.action == action)
    authorizer = person.context
    context = {"connectionId": connection, "requestId": uuid4().hex, "eventType": kind, "authorizer": authorizer}
    answer = socket({"requestContext": context, "body": json.dumps({"action": action, **message})}, None)
    return json.loads(answer["body"]) if answer.get("body") else answer


def uuid_of(type_id: str) -> UUID:
    return ids.decode(type_id.rpartition("_")[0], type_id)
