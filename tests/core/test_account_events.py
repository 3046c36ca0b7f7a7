"""What happened to one's own account."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from slipway import account_events, db, ids
from slipway.caller import Origin, from_context

from tests.api import Api, Person
from tests.core.backstage import tick

pytestmark = pytest.mark.usefixtures("granted")
LIST = "GET /v1/me/events"
FROM = Origin("192.0.2.7", "a browser", "r1")


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection) -> Person:
    person = api.register()
    everything.execute("delete from account_events")
    return person


def record(person: Person, action: str, **details: Any) -> None:
    caller = from_context(person.context, FROM)
    with db.transaction(caller) as (tx, known):
        account_events.record(tx, known.user_id, known, action, details)


def test_an_event_says_what_was_done_with_what_from_where(api: Api, ann: Person) -> None:
    record(ann, "password.changed", sessions=2)
    (event,) = api.call(LIST, by=ann).json["data"]
    assert event.pop("id").startswith("aud_") and event.pop("at")
    assert event == {
        "action": "password.changed", "credential": "session", "credential_id": ids.encode("ses", ann.session_id),
        "address": "192.0.2.7", "user_agent": "a browser", "request_id": "r1", "details": {"sessions": 2},
    }  # fmt: skip


def test_before_there_is_a_session_none_was_used(api: Api, ann: Person) -> None:
    with db.for_user(ann.user_id) as tx:
        account_events.record(tx, ann.user_id, FROM, "login")
    (event,) = api.call(LIST, by=ann).json["data"]
    assert (event["credential"], event["credential_id"], event["details"]) == ("none", None, {})


def test_everybody_sees_their_own_newest_first(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.register("Bob")
    everything.execute("delete from account_events")
    for number in range(3):
        record(ann, f"n.{number}")
    record(bob, "bob.s")
    first = api.call(LIST, by=ann, query={"limit": 2}).json
    rest = api.call(LIST, by=ann, query={"limit": 2, "cursor": first["next_cursor"]}).json
    assert [event["action"] for event in first["data"] + rest["data"]] == ["n.2", "n.1", "n.0"]
    assert [event["action"] for event in api.call(LIST, by=bob).json["data"]] == ["bob.s"]


def test_nobody_records_for_another(api: Api, ann: Person) -> None:
    bob = api.register("Bob")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.for_user(bob.user_id) as tx:
        account_events.record(tx, ann.user_id, FROM, "login")


@pytest.mark.parametrize("statement", ["update account_events set action = 'x'", "delete from account_events"])
def test_the_application_cannot_rewrite_what_was_recorded(ann: Person, statement: str) -> None:
    record(ann, "login")
    rewrite = db.sql(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.for_user(ann.user_id) as tx:
        tx.run(rewrite)


def test_events_are_kept_for_a_year(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    for action in ("old", "younger"):
        record(ann, action)
    everything.execute("update account_events set at = now() - interval '366 days' where action = 'old'")
    everything.execute("update account_events set at = now() - interval '364 days' where action = 'younger'")
    tick("expire")
    assert [event["action"] for event in api.call(LIST, by=ann).json["data"]] == ["younger"]


def test_they_go_with_the_account(ann: Person, everything: psycopg.Connection) -> None:
    record(ann, "login")
    everything.execute("delete from users where id = %s", (ann.user_id,))
    assert everything.execute("select count(*) from account_events").fetchone() == (0,)
