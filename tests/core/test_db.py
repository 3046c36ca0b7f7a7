"""The one door: what a transaction leaves behind, and what happens when the server goes away."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import db, thread_connection
from slipway.caller import NOBODY, from_context
from slipway.db import sql
from slipway.discover import ROOT
from slipway.errors import Error

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
NAME = sql("update users set name = %(name)s where id = %(id)s")
NAMES = sql("select name from users")
TEAMS = sql("select app.teams() as teams, app.user_id() as user_id")
BAD = sql("select 1 / 0")
JSON = sql("select %(text)s::jsonb as made")
PID = sql("select pg_backend_pid() as pid")


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


# ── Transactions ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_asks_does_not_survive_the_commit(api: Api, ann: Person) -> None:
    team = uuid_of(ann.team["id"])
    with db.for_team(team) as tx:
        assert tx.one(TEAMS) == {"teams": [team], "user_id": None}
    left = thread_connection.current().pgconn.exec_(b"select app.teams() is null, app.user_id() is null")
    assert (left.get_value(0, 0), left.get_value(0, 1)) == (b"t", b"t")


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_the_next_caller_on_the_same_connection_sees_nothing_of_the_last(api: Api, ann: Person, how: str) -> None:
    bob, connection = api.register("Bob"), thread_connection.current()
    with suppress(ZeroDivisionError), db.for_user(uuid_of(ann.user["id"])) as tx:
        assert tx.all(NAMES) == [{"name": "Ann"}]
        if how == "rollback":
            raise ZeroDivisionError
    with db.for_user(uuid_of(bob.user["id"])) as tx:
        assert tx.all(NAMES) == [{"name": "Bob"}]
    assert thread_connection.current() is connection


def test_a_transaction_knows_team_and_role_of_its_resource(ann: Person) -> None:
    user = from_context(ann.context)
    for kind, thing in (("team", ann.team), ("ws", ann.workspace), ("prj", ann.project)):
        with db.transaction(user, kind, uuid_of(thing["id"])) as (_, known):
            assert (known.team_id, known.role) == (uuid_of(ann.team["id"]), "owner")
    with db.transaction(user) as (_, known):
        assert (known.user_id, known.role) == (user.user_id, "")


def test_an_unknown_resource_and_another_s_are_the_same(api: Api, ann: Person) -> None:
    bob = api.register("Bob")
    user = from_context(bob.context)
    for id in (uuid_of(ann.project["id"]), UUID(int=7)):
        with pytest.raises(Error) as caught, db.transaction(user, "prj", id):
            pass
        assert (caught.value.code, caught.value.detail) == ("not_found", "")


def test_a_block_that_raises_changes_nothing(api: Api, everything: psycopg.Connection) -> None:
    ann = uuid_of(api.register().user["id"])
    with suppress(ZeroDivisionError), db.for_user(ann) as tx:
        assert tx.run(NAME, name="Changed", id=ann) == 1
        raise ZeroDivisionError
    assert everything.execute("select name from users").fetchall() == [("Ann",)]


def test_an_error_that_was_swallowed_is_no_silent_loss(api: Api, everything: psycopg.Connection) -> None:
    ann = uuid_of(api.register().user["id"])
    with pytest.raises(RuntimeError, match="nothing was committed"), db.for_user(ann) as tx:
        tx.run(NAME, name="Changed", id=ann)
        with suppress(psycopg.Error):
            tx.run(BAD)
    assert everything.execute("select name from users").fetchall() == [("Ann",)]
    with db.for_user(ann) as tx:
        assert tx.run(NAME, name="Changed", id=ann) == 1


def test_transactions_do_not_nest(api: Api) -> None:
    with pytest.raises(RuntimeError, match="already open in this thread"), db.for_platform(), db.for_platform():
        pass
    with db.for_platform() as tx:
        assert tx.one(PID)


def test_a_beginning_that_fails_leaves_a_good_connection_behind(api: Api) -> None:
    user = from_context(api.register().context)
    with pytest.raises(psycopg.errors.CaseNotFound), db.transaction(user, "planet", UUID(int=1)):
        pass
    with db.transaction(user) as (tx, _):
        assert tx.all(NAMES) == [{"name": "Ann"}]


def test_an_error_says_what_was_wrong_and_not_with_which_values(machine: Machine) -> None:
    with pytest.raises(psycopg.DataError) as caught, db.for_platform() as tx:
        tx.one(JSON, text='{"password": hunter2}')
    assert str(caught.value) == "invalid input syntax for type json"


# ── The server goes away ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_that_died_while_idle_is_replaced_without_a_failed_request(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.register()
    for _ in range(3):
        with db.for_platform() as tx:
            pid = (tx.one(PID) or {})["pid"]
        assert everything.execute("select pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
        assert api.call("GET /v1/me", by=ann).status == 200


def test_a_connection_that_dies_within_a_transaction_fails_that_one_only(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = uuid_of(api.register().user["id"])
    with pytest.raises(psycopg.OperationalError), db.for_user(ann) as tx:
        tx.run(NAME, name="Changed", id=ann)
        everything.execute("select pg_terminate_backend(%s, 5000)", ((tx.one(PID) or {})["pid"],))
        tx.run(NAME, name="Changed again", id=ann)
    with db.for_user(ann) as tx:
        assert tx.all(NAMES) == [{"name": "Ann"}]


def test_each_thread_has_a_connection_of_its_own(machine: Machine, in_threads: Callable[..., Any]) -> None:
    def pid(_: Any) -> Any:
        with db.for_platform() as tx:
            return (tx.one(PID) or {})["pid"]

    assert len(set(in_threads(pid, [None] * 4))) == 4


# ── Who opens the door how ───────────────────────────────────────────────────────────────────────────────────────


def opened(function: str) -> set[str]:
    """The modules of the core that call `db.<function>`."""
    core = ROOT / "layers" / "core" / "slipway"
    return {
        str(file.relative_to(core).with_suffix(""))
        for file in core.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == function
        and isinstance(node.value, ast.Name) and node.value.id == "db"
    }  # fmt: skip


def test_only_background_work_acts_for_a_team_and_only_the_login_for_a_user() -> None:
    assert opened("for_team") == {
        "audit_chain", "platform", "runs/dispatch", "runs/reconcile", "usage/notices", "usage/replay", "workers",
    }  # fmt: skip
    assert opened("for_user") == {
        "accounts", "email_addresses", "inquiries", "logins", "oidc/entry", "password_changes", "sessions",
    }  # fmt: skip
    functions = [file for file in (ROOT / "functions").rglob("*.py") if "db." in file.read_text()]
    assert [f.name for f in functions if "for_team" in f.read_text()] == []


def test_nobody_is_somebody_without_rights(ann: Person) -> None:
    with db.transaction(NOBODY) as (tx, known):
        assert known is NOBODY and tx.all(NAMES) == []
