"""Rooms: every workspace, project and run has one, with a gap-free sequence of events.

An event gets the next number in the transaction of the row it is about, then goes to the `broadcast` queue with the
connections that listen. Order of delivery is not promised, the numbers are: a client sorts by `seq` and, seeing a gap
or coming back, subscribes again with the last number it has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, model_validator

from slipway import clock, ids
from slipway.caller import Caller
from slipway.catalogue import BROADCAST
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.frames import Connection, Message
from slipway.permissions import ROLES, allows

KINDS = ("ws", "prj", "run")
READERS = [role for role in ROLES if allows(role, "room:read")]  # asked at each event, not only when they came
REPLAY_BYTES = 100_000  # of events in one answer: a WebSocket message may have 128 KB
REPLAY_EVENTS = 200
BROADCAST_BYTES = 200_000  # of frames in one message: a queue takes 1 MiB with everything escaped


class RoomEvent(BaseModel):
    """What a client gets, live and replayed: the same numbers in both."""

    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


class Broadcast(BaseModel):
    """A message of the `broadcast` queue: each frame, in order, to each connection."""

    connections: list[str]
    frames: list[str]


class Subscribe(Message):
    """`after`: the last number the client has; absent means only what comes from now on."""

    room: str
    after: int | None = None

    @model_validator(mode="after")
    def _known_room(self) -> Subscribe:
        self.scope()
        return self

    def scope(self) -> tuple[str, UUID]:
        kind = self.room.partition("_")[0]
        if kind not in KINDS:
            raise ValueError("room must be the id of a workspace, project or run")
        return kind, ids.decode(kind, self.room)


class Subscription(BaseModel):
    """`events` are those after `after`; `has_more`: subscribe again with the last of them to get the rest."""

    room: str
    last_seq: int
    events: list[RoomEvent]
    has_more: bool


OPEN = sql("""insert into rooms (team_id, id, kind, workspace_id)
       values (%(team_id)s, %(id)s, %(kind)s, %(workspace_id)s)""")
CLOSE = sql("delete from rooms where team_id = %(team_id)s and id = %(id)s")
APPEND = sql(
    """with room as (
         update rooms set last_seq = last_seq + cardinality(%(types)s::text[])
          where team_id = %(team_id)s and id = %(room_id)s returning last_seq
       ), kept as (
         insert into room_events (team_id, room_id, seq, type, data, created_at)
         select %(team_id)s, %(room_id)s, last_seq - cardinality(%(types)s::text[]) + e.n, e.type, e.data::jsonb, %(at)s
           from room, unnest(%(types)s::text[], %(datas)s::text[]) with ordinality as e (type, data, n)
       )
       select last_seq from room"""
)
# A statement of its own: APPEND may have waited for a subscriber's lock with a snapshot from before it subscribed.
LISTENERS = sql("select app.listeners(%(team_id)s, %(room_id)s, %(roles)s) as connections")
SUBSCRIBE = sql(
    """insert into subscriptions (team_id, room_id, connection_id, user_id)
       values (%(team_id)s, %(room_id)s, %(connection_id)s, %(user_id)s) on conflict do nothing"""
)
UNSUBSCRIBE = sql(
    """delete from subscriptions
        where team_id = %(team_id)s and room_id = %(room_id)s and connection_id = %(connection_id)s"""
)
LOCK = sql("select last_seq from rooms where team_id = %(team_id)s and id = %(room_id)s for share")
REPLAY = sql(
    """select seq, type, created_at as at, data from room_events
        where team_id = %(team_id)s and room_id = %(room_id)s and seq > %(after)s
          and (%(type)s::text is null or type = %(type)s)
        order by seq limit %(limit)s"""
)


def open(tx: Transaction, team_id: UUID, room_id: UUID, kind: str, workspace_id: UUID) -> None:
    tx.run(OPEN, team_id=team_id, id=room_id, kind=kind, workspace_id=workspace_id)


def close(tx: Transaction, team_id: UUID, room_id: UUID) -> None:
    tx.run(CLOSE, team_id=team_id, id=room_id)


def append(
    tx: Transaction, team_id: UUID, prefix: str, room_id: UUID, events: Sequence[tuple[str, dict[str, Any]]]
) -> None:
    """Number the events, keep them, and announce them to whoever listens. `prefix`: ws, prj or run."""
    at = clock.now()
    row = tx.one(
        APPEND,
        team_id=team_id,
        room_id=room_id,
        types=[type for type, _ in events],
        datas=[json.dumps(data) for _, data in events],
        at=at,
    )
    listeners = tx.one(LISTENERS, team_id=team_id, room_id=room_id, roles=READERS) if row else None
    if row is None or listeners is None or not listeners["connections"]:
        return
    room, first = ids.encode(prefix, room_id), row["last_seq"] - len(events) + 1
    frames = [
        json.dumps({"event": type, "room": room, "seq": first + i, "at": at.isoformat(), "data": data})
        for i, (type, data) in enumerate(events)
    ]
    for batch in _batches(frames):
        tx.send(BROADCAST, Broadcast(connections=listeners["connections"], frames=batch))


def _batches(frames: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for frame in frames:
        if batch and size + len(frame) > BROADCAST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(frame)
        size += len(frame)
    if batch:
        yield batch


def subscribe(tx: Transaction, caller: Caller, connection: Connection, message: Subscribe) -> Subscription:
    """Listen from now on, and get what came after the number the client has.

    The share lock orders this against `append`: an event is either in the answer or sent to this connection.
    """
    _, room_id = message.scope()
    lock = tx.one(LOCK, team_id=caller.team_id, room_id=room_id)
    if lock is None:
        raise Error("not_found")
    tx.run(
        SUBSCRIBE,
        team_id=caller.team_id,
        room_id=room_id,
        connection_id=str(connection),
        user_id=caller.user_id,
    )
    events: list[RoomEvent] = []
    more = False
    if message.after is not None:
        events, more = events_after(tx, caller.team_id, room_id, message.after)
    return Subscription(room=message.room, last_seq=lock["last_seq"], events=events, has_more=more)


def unsubscribe(tx: Transaction, caller: Caller, connection: Connection, message: Subscribe) -> None:
    _, room_id = message.scope()
    tx.run(UNSUBSCRIBE, team_id=caller.team_id, room_id=room_id, connection_id=str(connection))


def events_after(
    tx: Transaction, team_id: UUID, room_id: UUID, after: int, type: str | None = None
) -> tuple[list[RoomEvent], bool]:
    """The events after a number, oldest first, up to `REPLAY_BYTES`, and whether there are more."""
    rows = tx.all(REPLAY, team_id=team_id, room_id=room_id, after=after, type=type, limit=REPLAY_EVENTS + 1)
    events: list[RoomEvent] = []
    size = 0
    for row in rows[:REPLAY_EVENTS]:
        size += len(json.dumps(row["data"])) + 100
        if size > REPLAY_BYTES and events:
            return events, True
        events.append(RoomEvent.model_validate(row))
    return events, len(rows) > REPLAY_EVENTS
