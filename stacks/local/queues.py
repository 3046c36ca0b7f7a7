"""SQS's semantics as Postgres rows: at least once, unordered, a visibility timeout, a dead-letter queue behind each.

All functions take an autocommitting connection of the owner role (`sessions.run`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from slipway import catalogue
from slipway.batches import MAX_ENTRIES, batches

from stacks.local import sessions
from stacks.local.sessions import Connection

CHANNEL = "local_queues"  # NOTIFY's payload is the queue's name
RETENTION_DAYS = 4
DEAD_RETENTION_DAYS = 14  # counted from the first send, as SQS does: people need days to look at a dead letter
_LOCK = 0x51495057  # advisory, so that two processes may prepare at once
_SCHEMA = """
create schema if not exists local;
create table if not exists local.messages (
    id uuid primary key default gen_random_uuid(),
    queue text not null,
    body text not null,
    sent_at timestamptz not null default now(),
    visible_at timestamptz not null,
    receives int not null default 0,
    first_received_at timestamptz,
    receipt uuid
);
create index if not exists messages_due on local.messages (queue, visible_at);
create table if not exists local.schedules (
    name text primary key,
    last_start timestamptz not null
);
create table if not exists local.task_requests (
    id uuid primary key default gen_random_uuid(),
    task text not null,
    count int not null check (count > 0),
    requested_at timestamptz not null default now()
);
"""


@dataclass(frozen=True, slots=True)
class Message:
    """`receipt` is good until the next receive. Times in milliseconds since 1970, as SQS writes them."""

    id: str
    receipt: str
    body: str
    receives: int
    sent_ms: int
    first_received_ms: int


@dataclass(frozen=True, slots=True)
class Counts:
    visible: int
    in_flight: int
    delayed: int
    dead: int


def create(conninfo: str) -> None:
    """Make the schema `local` where it is not there yet; any process may call it at any time."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_SCHEMA)


def dead_letters(queue: str) -> str:
    """The name of the queue behind a queue."""
    return f"{queue}-dlq"


def send(connection: Connection, queue: str, bodies: Sequence[str], delay_seconds: int = 0) -> None:
    """Raises ValueError for what SQS would refuse; a batch is sent whole or not at all."""
    for batch in batches(bodies, delay_seconds):
        connection.execute(
            "with sent as ("
            "  insert into local.messages (queue, body, visible_at)"
            "  select %(queue)s, body, now() + make_interval(secs => %(delay)s) from unnest(%(bodies)s::text[]) body"
            "  returning 1)"
            " select pg_notify(%(channel)s, %(queue)s) from sent limit 1",
            {"queue": queue, "bodies": batch, "delay": delay_seconds, "channel": CHANNEL},
        )


def receive(connection: Connection, queue: catalogue.Queue, most: int) -> list[Message]:
    """Up to `most` (1 to 10) visible messages, now hidden for `queue.visibility_seconds`; [] when there are none.

    A message that was received `queue.max_receives` times before moves to the dead-letter queue instead.
    """
    if not 1 <= most <= MAX_ENTRIES:
        raise ValueError(f"a queue hands out 1 to {MAX_ENTRIES} messages at once, not {most}")
    while True:
        rows = connection.execute(
            "with due as materialized ("
            "  select id, receives >= %(max)s as dead from local.messages"
            "  where queue = %(queue)s and visible_at <= now() order by visible_at limit %(most)s"
            "  for update skip locked),"
            " moved as ("
            "  update local.messages m set queue = %(dlq)s, receipt = null from due where m.id = due.id and due.dead"
            "  returning m.id),"
            " taken as ("
            "  update local.messages m set receives = receives + 1, receipt = gen_random_uuid(),"
            "    visible_at = now() + make_interval(secs => %(hidden)s),"
            "    first_received_at = coalesce(first_received_at, now())"
            "  from due where m.id = due.id and not due.dead"
            "  returning m.id, m.receipt, m.body, m.receives, m.sent_at, m.first_received_at)"
            " select id, receipt, body, receives, extract(epoch from sent_at) * 1000,"
            "   extract(epoch from first_received_at) * 1000 from taken"
            " union all select id, null, null, 0, 0, 0 from moved",
            {
                "queue": queue.name,
                "dlq": dead_letters(queue.name),
                "most": most,
                "max": queue.max_receives,
                "hidden": queue.visibility_seconds,
            },
        ).fetchall()
        taken = [
            Message(str(id), f"{id}.{receipt}", body, receives, int(sent), int(first))
            for id, receipt, body, receives, sent, first in rows
            if receipt is not None
        ]
        if taken or not rows:  # a round of dead letters only says nothing about what stands behind them
            return taken


def delete(connection: Connection, receipts: Iterable[str]) -> int:
    """Delete what was received; the number deleted. A message that was received again since keeps its row."""
    ids, tokens = _split(receipts)
    return connection.execute(
        "delete from local.messages m using unnest(%s::uuid[], %s::uuid[]) r(id, receipt)"
        " where m.id = r.id and m.receipt = r.receipt",
        (ids, tokens),
    ).rowcount


def set_visibility(connection: Connection, receipts: Iterable[str], seconds: int) -> int:
    """Hide received messages for `seconds` from now, 0 to show them at once; the number that still were ours."""
    ids, tokens = _split(receipts)
    row = connection.execute(
        "with changed as ("
        "  update local.messages m set visible_at = now() + make_interval(secs => %(seconds)s)"
        "  from unnest(%(ids)s::uuid[], %(tokens)s::uuid[]) r(id, receipt)"
        "  where m.id = r.id and m.receipt = r.receipt returning m.queue)"
        " select count(pg_notify(%(channel)s, queue)) from changed",
        {"ids": ids, "tokens": tokens, "seconds": seconds, "channel": CHANNEL},
    ).fetchone()
    return int(row[0]) if row else 0


def purge(connection: Connection, queue: str) -> int:
    """Delete every message of a queue, also those in flight; the number deleted."""
    return connection.execute("delete from local.messages where queue = %s", (queue,)).rowcount


def counts(connection: Connection, queue: str) -> Counts:
    row = connection.execute(
        "select count(*) filter (where queue = %(queue)s and visible_at <= now()),"
        " count(*) filter (where queue = %(queue)s and visible_at > now() and receipt is not null),"
        " count(*) filter (where queue = %(queue)s and visible_at > now() and receipt is null),"
        " count(*) filter (where queue = %(dlq)s)"
        " from local.messages where queue = any(array[%(queue)s, %(dlq)s])",
        {"queue": queue, "dlq": dead_letters(queue)},
    ).fetchone()
    return Counts(*row) if row else Counts(0, 0, 0, 0)


def replay(connection: Connection, queue: str) -> int:
    """Move a queue's dead letters back into it, their receive count forgotten; the number moved."""
    row = connection.execute(
        "with moved as ("
        "  update local.messages set queue = %(queue)s, receives = 0, receipt = null, visible_at = now()"
        "  where queue = %(dlq)s returning 1)"
        " select count(*), case when count(*) > 0 then pg_notify(%(channel)s, %(queue)s) end from moved",
        {"queue": queue, "dlq": dead_letters(queue), "channel": CHANNEL},
    ).fetchone()
    return int(row[0]) if row else 0


def expire(connection: Connection) -> int:
    """Drop messages that are older than SQS would keep them; the number dropped."""
    return connection.execute(
        "delete from local.messages where sent_at < now() - make_interval("
        " days => case when queue like '%%-dlq' then %s else %s end)",
        (DEAD_RETENTION_DAYS, RETENTION_DAYS),
    ).rowcount


def _split(receipts: Iterable[str]) -> tuple[list[UUID], list[UUID]]:
    """Receipt handles are `<message>.<receipt>`; raises ValueError for anything else."""
    pairs = [receipt.split(".") for receipt in receipts]
    return [UUID(message) for message, _ in pairs], [UUID(token) for _, token in pairs]


class PostgresQueue:
    """The QueueClient of one machine: the send waits for the disk, as SQS's answer means it is stored."""

    def __init__(self, conninfo: str, name: str) -> None:
        self._conninfo = conninfo
        self._name = name

    def send(self, bodies: Sequence[str], delay_seconds: int = 0) -> None:
        sessions.run(self._conninfo, lambda c: send(c, self._name, bodies, delay_seconds), patience=5.0)
