from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slipway import db, rooms

from tests.api import Api, Person
from tests.core.backstage import clear, say, sent, tick, uuid_of

pytestmark = pytest.mark.usefixtures("granted")


@pytest.fixture
def ann(api: Api) -> Person:
    person = api.project()
    say("$connect", person, "c1", kind="CONNECT")
    return person


def append(person: Person, *numbers: int, size: int = 0) -> None:
    """Append events of one transaction to the project's room."""
    team, room = uuid_of(person.team["id"]), uuid_of(person.project["id"])
    with db.for_team(team) as tx:
        rooms.append(tx, team, "prj", room, [("test", {"n": n, "fill": "x" * size}) for n in numbers])


def subscribe(person: Person, after: int | None = None, connection: str = "c1") -> Any:
    return say("room.subscribe", person, connection, room=person.project["id"], after=after)


def frames(everything: psycopg.Connection, connection: str = "c1") -> list[Any]:
    """What was broadcast to a connection."""
    return [
        json.loads(frame)
        for message in sent(everything, "broadcast")
        if connection in message["connections"]
        for frame in message["frames"]
    ]


def test_numbers_are_without_gaps_under_parallel_appenders(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    def ten(thread: int) -> None:
        for _ in range(10):
            append(ann, *range(thread % 3 + 1))

    in_threads(ten, list(range(8)))
    expected = sum(10 * (thread % 3 + 1) for thread in range(8))
    query = "select seq from room_events where room_id = %s order by seq"
    numbers = [seq for (seq,) in everything.execute(query, (uuid_of(ann.project["id"]),))]
    assert numbers == list(range(1, expected + 1))


def test_a_transaction_that_rolls_back_uses_no_number(ann: Person, everything: psycopg.Connection) -> None:
    team, room = uuid_of(ann.team["id"]), uuid_of(ann.project["id"])
    subscribe(ann)
    append(ann, 1)
    with pytest.raises(ZeroDivisionError), db.for_team(team) as tx:
        rooms.append(tx, team, "prj", room, [("test", {})])
        1 / 0  # noqa: B018
    append(ann, 2)
    assert [e["seq"] for e in subscribe(ann, 0)["data"]["events"]] == [1, 2]
    assert [f["seq"] for f in frames(everything)] == [1, 2]


def test_a_subscriber_gets_exactly_what_it_missed(ann: Person) -> None:
    append(ann, *range(1, 6))
    answer = subscribe(ann, 2)
    assert answer["ok"] and answer["data"]["last_seq"] == 5 and not answer["data"]["has_more"]
    assert [(e["seq"], e["data"]["n"]) for e in answer["data"]["events"]] == [(3, 3), (4, 4), (5, 5)]
    assert subscribe(ann, 5)["data"]["events"] == []
    assert subscribe(ann, 99)["data"]["events"] == []


def test_without_a_number_only_what_comes_from_now_on(ann: Person, everything: psycopg.Connection) -> None:
    append(ann, 1)
    answer = subscribe(ann)
    assert (answer["data"]["last_seq"], answer["data"]["events"]) == (1, [])
    append(ann, 2)
    assert [f["data"]["n"] for f in frames(everything)] == [2]


def test_live_and_replayed_events_are_the_same(ann: Person, everything: psycopg.Connection) -> None:
    subscribe(ann)
    append(ann, 1)
    (live,) = frames(everything)
    (replayed,) = subscribe(ann, 0)["data"]["events"]
    assert (live["event"], live["room"]) == ("test", ann.project["id"])
    assert {key: live[key] for key in ("seq", "data")} == {key: replayed[key] for key in ("seq", "data")}
    assert live["at"].replace("+00:00", "Z") == replayed["at"]


def test_a_long_replay_comes_in_pages_that_fit_into_a_message(ann: Person) -> None:
    append(ann, *range(1, 31), size=9_000)
    numbers, after, pages = [], 0, 0
    while True:
        answer = subscribe(ann, after)
        assert len(json.dumps(answer)) < 128 * 1024
        numbers += [e["seq"] for e in answer["data"]["events"]]
        pages += 1
        if not answer["data"]["has_more"]:
            break
        after = numbers[-1]
    assert numbers == list(range(1, 31)) and pages > 2


def test_many_small_events_come_in_pages_too(ann: Person) -> None:
    append(ann, *range(rooms.REPLAY_EVENTS + 5))
    first = subscribe(ann, 0)["data"]
    assert (len(first["events"]), first["has_more"]) == (rooms.REPLAY_EVENTS, True)
    rest = subscribe(ann, rooms.REPLAY_EVENTS)["data"]
    assert (len(rest["events"]), rest["has_more"]) == (5, False)


def test_a_large_append_is_broadcast_in_messages_that_a_queue_takes(
    ann: Person, everything: psycopg.Connection
) -> None:
    subscribe(ann)
    append(ann, *range(1, 101), size=24_000)
    assert sorted(f["seq"] for f in frames(everything)) == list(range(1, 101))
    assert everything.execute("select count(*) from outbox").fetchone() == (0,)
    messages = sent(everything, "broadcast")
    assert len(messages) > 5 and max(len(json.dumps(m)) for m in messages) < 1024 * 1024


def test_a_stranger_cannot_subscribe(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.project("Bob")
    say("$connect", bob, "c2", kind="CONNECT")
    bob.project = ann.project
    answer = subscribe(bob, 0, "c2")
    assert (answer["ok"], answer["error"]["code"]) == (False, "not_found")
    append(ann, 1)
    assert frames(everything, "c2") == []


def test_a_removed_member_s_socket_falls_silent(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.register("Bob")
    say("$connect", bob, "c2", kind="CONNECT")
    bob.project, team, user = ann.project, uuid_of(ann.team["id"]), uuid_of(bob.user["id"])
    everything.execute("insert into team_members (team_id, user_id, role) values (%s, %s, 'viewer')", (team, user))
    assert subscribe(bob, None, "c2")["ok"]
    append(ann, 1)
    assert [f["data"]["n"] for f in frames(everything, "c2")] == [1]
    everything.execute("delete from team_members where user_id = %s", (user,))
    append(ann, 2)
    assert [f["data"]["n"] for f in frames(everything, "c2")] == [1]
    assert subscribe(bob, 0, "c2")["error"]["code"] == "not_found"


def test_a_role_without_the_right_to_read_cannot_listen(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    assert subscribe(ann, 0)["ok"]
    everything.execute("update team_members set role = 'billing'")
    assert subscribe(ann, 0)["error"]["code"] == "forbidden"
    append(ann, 1)
    assert frames(everything) == [], "who has lost the right goes on listening"


def test_who_unsubscribes_hears_no_more(ann: Person, everything: psycopg.Connection) -> None:
    subscribe(ann)
    assert say("room.unsubscribe", ann, "c1", room=ann.project["id"])["ok"]
    append(ann, 1)
    assert frames(everything) == []


def test_subscribing_twice_is_once(ann: Person, everything: psycopg.Connection) -> None:
    subscribe(ann)
    subscribe(ann)
    append(ann, 1)
    assert len(frames(everything)) == 1


@pytest.mark.parametrize("room", ["", "prj_", "usr_01h455vb4pex5vsknk084sn02q", "file_01h455vb4pex5vsknk084sn02q", "x"])
def test_what_is_no_room_is_refused(ann: Person, room: str) -> None:
    answer = say("room.subscribe", ann, "c1", room=room)
    assert (answer["ok"], answer["error"]["code"]) == (False, "invalid")


def test_workspace_and_run_have_rooms_too(api: Api, ann: Person) -> None:
    api.save(ann, "main.py", b"1")
    run = api.run(ann).json
    for room in (ann.workspace["id"], run["id"]):
        assert say("room.subscribe", ann, "c1", room=room, after=0)["data"]["last_seq"] == 1


def test_an_event_that_waited_for_a_subscriber_is_sent_to_it(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that loses an event when the listeners are read with a snapshot from before the wait."""
    locked, replay = threading.Event(), rooms.events_after

    def slowly(*arguments: Any) -> Any:
        found = replay(*arguments)
        locked.set()
        time.sleep(0.15)  # the appender's statement begins and waits for our lock
        return found

    def act(number: int) -> Any:
        if number == 0:
            return subscribe(ann, 0)["data"]
        locked.wait(5)
        return append(ann, 1)

    monkeypatch.setattr(rooms, "events_after", slowly)
    answer, _ = in_threads(act, [0, 1])
    assert (answer["last_seq"], answer["events"]) == (0, [])
    assert [f["data"]["n"] for f in frames(everything)] == [1]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(delays=st.lists(st.integers(0, 8), min_size=3, max_size=3), batch=st.integers(1, 3))
def test_between_subscribe_and_append_no_event_is_lost(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any], delays: list[int], batch: int
) -> None:
    """Whatever the interleaving: each event is in the answer, or after it in a broadcast."""
    clear(everything)
    say("room.unsubscribe", ann, "c1", room=ann.project["id"])
    before = subscribe(ann, 0, "c1")["data"]["last_seq"]
    say("room.unsubscribe", ann, "c1", room=ann.project["id"])

    def act(job: tuple[str, int]) -> Any:
        what, delay = job
        time.sleep(delay / 1000)
        if what == "subscribe":
            return subscribe(ann, before)["data"]
        for n in range(4):
            append(ann, *range(n, n + batch))
        return None

    jobs = [("subscribe", delays[0]), ("append", delays[1]), ("append", delays[2])]
    answer = in_threads(act, jobs)[0]
    last = subscribe(ann, before)["data"]["last_seq"]
    replayed = {event["seq"] for event in answer["events"]}
    live = {frame["seq"] for frame in frames(everything)}
    assert last == before + 8 * batch
    assert replayed == set(range(before + 1, answer["last_seq"] + 1))
    assert live >= set(range(answer["last_seq"] + 1, last + 1))


def test_events_of_a_month_without_partition_are_kept_and_do_not_stop_the_job(
    ann: Person, everything: psycopg.Connection
) -> None:
    (name,) = everything.execute("select 'room_events_' || to_char(now(), 'YYYYMM')").fetchone() or ("",)
    everything.execute(f"drop table {name}")  # as after months of standstill
    append(ann, 1)
    assert everything.execute("select count(*) from room_events_rest").fetchone() == (1,)
    tick("partitions")
    append(ann, 2)
    assert [e["seq"] for e in subscribe(ann, 0)["data"]["events"]] == [1, 2]


def test_events_after_may_be_of_one_type(ann: Person) -> None:
    team, room = uuid_of(ann.team["id"]), uuid_of(ann.project["id"])
    with db.for_team(team) as tx:
        rooms.append(tx, team, "prj", room, [("a", {}), ("b", {}), ("a", {})])
        found, more = rooms.events_after(tx, team, room, 0, "a")
    assert ([e.seq for e in found], more) == ([1, 3], False)


def test_a_room_that_is_gone_takes_no_event(ann: Person, everything: psycopg.Connection) -> None:
    team = uuid_of(ann.team["id"])
    with db.for_team(team) as tx:
        rooms.append(tx, team, "prj", UUID(int=7), [("a", {"data": base64.b64encode(b"x").decode()})])
    assert everything.execute("select count(*) from room_events where seq is null").fetchone() == (0,)
    assert sent(everything, "broadcast") == []
