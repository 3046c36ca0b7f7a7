"""Recording: with the change, once, in order, by whom. Reading is in test_audit_log.py, tampering in test_audit_chain.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import audit, db, ids
from slipway.caller import NOBODY, Caller, Origin, from_context
from slipway.db import Statement, sql
from slipway.errors import Error

from tests.api import Api, Person
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
TARGET = ids.encode("prj", UUID(int=1))
FROM = Origin("192.0.2.7", "a browser", "r1")
BAD = sql("select 1 / 0")


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


@pytest.fixture(autouse=True)
def nothing_before(ann: Person, everything: psycopg.Connection) -> None:
    """The chain begins with the test's own events."""
    everything.execute("set session_replication_role = replica")
    everything.execute("delete from audit_events; delete from audit_heads")
    everything.execute("set session_replication_role = origin")


def caller(person: Person) -> Caller:
    return from_context(person.context, FROM)


def record(person: Person, action: str, **more: Any) -> None:
    with db.transaction(caller(person), "team", uuid_of(person.team["id"])) as (tx, known):
        audit.record(tx, known, action, TARGET, **more)


def events(everything: psycopg.Connection, *columns: str) -> list[Any]:
    rows = everything.execute(f"select {', '.join(columns)} from audit_events order by team_id, seq").fetchall()
    return [row[0] if len(columns) == 1 else row for row in rows]


def test_an_event_says_who_did_what_from_where(ann: Person, everything: psycopg.Connection) -> None:
    record(ann, "project.updated", before={"name": "P"}, after={"name": "Ü"})
    who = (ann.user_id, "session", ann.session_id)
    assert events(everything, "seq", "user_id", "credential", "credential_id") == [(1, *who)]
    assert events(everything, "action", "target", "before", "after") == [
        ("project.updated", TARGET, {"name": "P"}, {"name": "Ü"})
    ]
    assert events(everything, "address", "user_agent", "request_id") == [tuple(FROM)]
    assert events(everything, "abs(extract(epoch from at - now())) < 60") == [True]


def test_a_key_s_doing_names_the_key(ann: Person, everything: psycopg.Connection) -> None:
    key = ids.new()
    everything.execute(
        """insert into api_keys (team_id, id, user_id, name, token_hash, last_four, scopes)
           values (%s, %s, %s, 'K', sha256('k'), 'abcd', '{team:read}')""",
        (uuid_of(ann.team["id"]), key, ann.user_id),
    )
    with db.transaction(replace(caller(ann), key_id=key), "team", uuid_of(ann.team["id"])) as (tx, known):
        audit.record(tx, known, "a.b", TARGET)
    assert events(everything, "user_id", "credential", "credential_id") == [(ann.user_id, "key", key)]


def test_the_platform_s_doing_has_no_person(ann: Person, everything: psycopg.Connection) -> None:
    team = uuid_of(ann.team["id"])
    with db.for_team(team) as tx:
        audit.record(tx, NOBODY, "run.finished", TARGET, team_id=team)
    assert events(everything, "user_id", "credential", "credential_id", "address") == [(None, "platform", None, "")]


def test_who_is_not_of_the_team_must_run_the_platform(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    olga, team = api.register("Olga"), uuid_of(ann.team["id"])

    def act() -> None:
        with db.transaction(caller(olga)) as (tx, known):
            audit.record(tx, known, "plan.changed", TARGET, team_id=team)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="another team"):
        act()
    everything.execute("update users set operator = true where id = %s", (olga.user_id,))
    act()
    assert events(everything, "user_id", "credential") == [(olga.user_id, "operator")]


def test_a_guest_s_change_is_in_the_team_s_log(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    gus, team = api.register("Gus"), uuid_of(ann.team["id"])
    workspace = uuid_of(ann.workspace["id"])
    everything.execute(
        "insert into workspace_members (team_id, workspace_id, user_id, role) values (%s, %s, %s, 'editor')",
        (team, workspace, gus.user_id),
    )
    with db.transaction(caller(gus), "prj", uuid_of(ann.project["id"])) as (tx, known):
        audit.record(tx, known, "project.updated", TARGET)
    assert events(everything, "team_id", "user_id", "credential") == [(team, gus.user_id, "session")]


def test_what_was_not_committed_was_not_done(ann: Person, everything: psycopg.Connection) -> None:
    with pytest.raises(Error), db.transaction(caller(ann), "team", uuid_of(ann.team["id"])) as (tx, known):
        audit.record(tx, known, "a.b", TARGET)
        raise Error("forbidden")
    record(ann, "c.d")
    assert events(everything, "seq", "action") == [(1, "c.d")]


def test_nothing_recorded_survives_what_was_undone(ann: Person, everything: psycopg.Connection) -> None:
    with db.transaction(caller(ann), "team", uuid_of(ann.team["id"])) as (tx, known):
        audit.record(tx, known, "before.mark", TARGET)
        tx.finish()
        tx.mark()
        audit.record(tx, known, "undone", TARGET)
        tx.undo()
        audit.record(tx, known, "after.undo", TARGET)
    assert events(everything, "seq", "action") == [(1, "before.mark"), (2, "after.undo")]


def test_a_retried_request_is_recorded_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    path, key = {"workspace_id": ann.workspace["id"]}, {"Idempotency-Key": "k"}
    for _ in range(2):
        made = api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "N"}, by=ann, headers=key, **path)
    assert events(everything, "action", "target") == [("project.created", made.json["id"])]


def test_all_of_a_transaction_s_events_go_in_one_call_at_its_end(
    ann: Person, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    with db.transaction(caller(ann), "team", uuid_of(ann.team["id"])) as (tx, known):
        run = tx.run

        def noted(statement: Statement, **parameters: Any) -> int:
            calls.append(statement)
            return run(statement, **parameters)

        monkeypatch.setattr(tx, "run", noted)
        for number in range(3):
            audit.record(tx, known, f"n.{number}", TARGET)
        tx.last(lambda *_: calls.append("another's"), None)
        assert calls == []
    assert calls == ["another's", audit.APPEND]
    assert events(everything, "seq", "action") == [(1, "n.0"), (2, "n.1"), (3, "n.2")]


def test_a_team_that_is_deleted_takes_its_log_along(ann: Person, everything: psycopg.Connection) -> None:
    record(ann, "a.b")
    delete = sql("delete from teams where id = %(team_id)s")
    with db.transaction(caller(ann), "team", uuid_of(ann.team["id"])) as (tx, known):
        audit.record(tx, known, "team.deleted", TARGET)
        tx.run(delete, team_id=known.team_id)
    assert events(everything, "seq") == []
    assert everything.execute("select count(*) from audit_heads").fetchone() == (0,)


def test_only_what_differs_is_kept() -> None:
    assert audit.changes({"name": "A", "size": 1}, {"name": "B", "size": 1}) == ({"name": "A"}, {"name": "B"})
    assert audit.changes({}, {"name": "B"}) == ({}, {"name": "B"})
    assert audit.changes({"role": "viewer", "gone": 1}, {"role": "viewer"}) == ({"gone": 1}, {})


@pytest.mark.parametrize("statement", ["update audit_events set action = 'x'", "delete from audit_events",
                                       "truncate audit_events", "insert into audit_events select * from audit_events",
                                       "update audit_heads set seq = 7", "delete from audit_heads"])  # fmt: skip
def test_the_application_cannot_rewrite_what_was_recorded(ann: Person, statement: str) -> None:
    record(ann, "a.b")
    rewrite = sql(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.for_team(uuid_of(ann.team["id"])) as tx:
        tx.run(rewrite)


@pytest.mark.parametrize("statement", ["update audit_events set action = 'x'", "delete from audit_events",
                                       "truncate audit_events", "delete from audit_heads",
                                       "truncate audit_heads cascade"])  # fmt: skip
def test_not_even_a_superuser_rewrites_it_by_a_slip(
    ann: Person, everything: psycopg.Connection, statement: str
) -> None:
    record(ann, "a.b")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        everything.execute(statement)


def test_twenty_at_once_keep_one_chain_without_gaps(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., list[Any]]
) -> None:
    def some(number: object) -> None:
        for step in range(5):
            record(ann, f"n.{number}.{step}")

    in_threads(some, list(range(20)))
    assert events(everything, "seq") == list(range(1, 101))
    team = uuid_of(ann.team["id"])
    walked = everything.execute("select * from app.walk_audit(%s, 0, app.audit_genesis(%s), 1000)", (team, team))
    assert walked.fetchone()[:3:2] == (100, None)  # type: ignore[index]
    for number in range(20):
        mine = [a for a in events(everything, "action") if a.startswith(f"n.{number}.")]
        assert mine == [f"n.{number}.{step}" for step in range(5)], "each thread's own order"


def test_two_teams_do_not_wait_for_each_other(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.project("Bob")
    record(ann, "a.a")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        from slipway import capabilities

        with capabilities.granting("test", capabilities.ALL):
            with db.transaction(caller(ann), "team", uuid_of(ann.team["id"])) as (tx, known):
                audit.record(tx, known, "a.b", TARGET)
                tx.finish()
                held.set()
                assert done.wait(10)
            db.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    record(bob, "c.d")
    with pytest.raises(psycopg.errors.LockNotAvailable):  # the control: ann's own chain is held
        everything.execute("set lock_timeout = '100ms'")
        everything.execute("update audit_heads set seq = seq where team_id = %s", (uuid_of(ann.team["id"]),))
    done.set()
    thread.join(10)
    assert {"a.a", "a.b", "c.d"} <= {*events(everything, "action")}


def test_two_transactions_about_the_same_two_teams_do_not_lock_each_other_out(
    api: Api, ann: Person, everything: psycopg.Connection, in_threads: Callable[..., list[Any]]
) -> None:
    teams = [uuid_of(ann.team["id"]), uuid_of(api.call("POST /v1/teams", {"name": "Second"}, by=ann).json["id"])]
    count = len(events(everything, "seq"))

    def both(order: Any) -> None:
        for _ in range(20):
            with db.transaction(caller(ann)) as (tx, known):
                for team in order:
                    audit.record(tx, known, "a.b", TARGET, team_id=team)

    in_threads(both, [teams, teams[::-1]])
    assert len(events(everything, "seq")) == count + 80
