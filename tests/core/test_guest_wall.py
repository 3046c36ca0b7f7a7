"""The wall around a guest's workspace in the database itself: what raw SQL of the application's role meets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from slipway import ids
from slipway.catalogue import TABLES

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.api import Api, Person
from tests.core.joining import accept, invite, visit
from tests.core.two_workspaces import Ground, furnish
from tests.core.worker import Worker

# Which rows of a table a guest may see. What is not named here: none. Content is the whole team's: it has no workspace,
# and is found by its hash only (0002_pre_callers.sql); what is used is counted for the team.
PROJECTS = "select id from projects where workspace_id = %(mine)s"
VISIBLE = {
    "teams": "id = %(team)s",
    "workspaces": "id = %(mine)s",
    "workspace_members": "user_id = %(guest)s",
    "projects": "workspace_id = %(mine)s",
    "rooms": "workspace_id = %(mine)s",
    **dict.fromkeys(("files", "file_versions", "runs"), f"project_id in ({PROJECTS})"),
    "run_artifacts": f"run_id in (select id from runs where project_id in ({PROJECTS}))",
    **dict.fromkeys(
        ("room_events", "subscriptions"), "room_id in (select id from rooms where workspace_id = %(mine)s)"
    ),
    **dict.fromkeys(("blobs", "trees", "quota_usage", "quota_reservations"), "team_id = %(team)s"),
}
OF_THE_TEAM = {"blobs", "trees", "quota_usage", "quota_reservations"}
TENANT = [table.name for table in TABLES if table.tenant]
# Where the other workspace has rows: the control that there is something to be hidden.
FULL = {"workspaces", "projects", "rooms", "files", "file_versions", "runs", "run_artifacts", "room_events",
        "subscriptions", "team_members", "api_keys", "invitations", "audit_events", "workspace_members"}  # fmt: skip
# What says where a row belongs, and the other workspace's value for it.
MOVES = [
    ("projects", "workspace_id", "ws"), ("rooms", "workspace_id", "ws"), ("files", "project_id", "prj"),
    ("file_versions", "project_id", "prj"), ("runs", "project_id", "prj"), ("run_artifacts", "run_id", "run"),
    ("room_events", "room_id", "prj"), ("subscriptions", "room_id", "run"),
]  # fmt: skip


@pytest.fixture
def ground(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Ground:
    return furnish(api, everything, workers)


@pytest.fixture
def gus(api: Api, ground: Ground, everything: psycopg.Connection) -> Person:
    """A guest of the one workspace; there is one of the other as well."""
    other = api.register("Hal")
    invited = invite(api, ground.ann, workspace_id=ids.encode("ws", ground.other["ws"]))
    assert accept(api, other, invited).status == 200
    return visit(api, ground.ann, "editor")


@pytest.fixture
def app(machine: Machine, gus: Person) -> Any:
    """The application's role, in a transaction that has begun as the guest."""
    with psycopg.connect(machine.app_url) as connection:
        begin(connection, gus)
        connection.execute("savepoint begun")
        yield connection


def begin(connection: psycopg.Connection, person: Person) -> None:
    connection.execute("select * from app.begin_request(%s, %s, null, '', null)", (person.user_id, person.session_id))


def given(ground: Ground, gus: Person) -> dict[str, UUID]:
    return {"team": ground.ann.team_id, "mine": ground.mine["ws"], "guest": gus.user_id}


def rows(connection: psycopg.Connection, table: str, where: str, values: dict[str, Any]) -> set[str]:
    return {row for (row,) in connection.execute(f"select t::text from {table} t where {where}", values).fetchall()}


def test_every_table_shows_a_guest_the_workspace_s_rows_and_no_others(
    app: psycopg.Connection, everything: psycopg.Connection, ground: Ground, gus: Person
) -> None:
    values = given(ground, gus)
    for table in TENANT:
        expected = rows(everything, table, VISIBLE.get(table, "false"), values)
        hidden = rows(everything, table, "true", values) - expected
        assert rows(app, table, "true", {}) == expected, table
        assert expected or table not in VISIBLE, f"{table}: the control, there is something to see"
        assert hidden or table not in FULL, f"{table}: the control, there is something to hide"


@pytest.mark.parametrize("act", ["update", "delete"])
def test_a_guest_changes_and_deletes_nothing_that_is_hidden(
    server: Server, machine: Machine, ground: Ground, gus: Person, act: str
) -> None:
    values, touched = given(ground, gus), 0
    name = psycopg.conninfo.conninfo_to_dict(machine.owner_url)["dbname"]
    for table in sorted(set(TENANT) - OF_THE_TEAM):
        # One transaction, seen with both eyes: the superuser's before and after, the application's between.
        with psycopg.connect(server.superuser_url, dbname=name) as connection:
            where = f"not ({VISIBLE.get(table, 'false')})"
            before = rows(connection, table, where, values)
            column = next(iter(connection.execute(f"select * from {table} limit 0").description or ())).name
            connection.execute("savepoint attempt")
            connection.execute("set local role slipway_app")
            begin(connection, gus)
            try:
                statement = f"update {table} set {column} = {column}" if act == "update" else f"delete from {table}"
                touched += connection.execute(statement).rowcount
                connection.execute("reset role")
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation):
                connection.execute("rollback to savepoint attempt")  # not granted, or something hangs on it
            assert rows(connection, table, where, values) == before, table
            connection.rollback()
    assert touched > 8, "the control: what a guest sees they could change"


@pytest.mark.parametrize("table", sorted(set(TENANT) - OF_THE_TEAM))
def test_a_guest_inserts_nothing_where_nothing_is_seen(
    app: psycopg.Connection, everything: psycopg.Connection, ground: Ground, gus: Person, table: str
) -> None:
    where = f"select to_jsonb(t) from {table} t where not ({VISIBLE.get(table, 'false')}) limit 1"
    row = everything.execute(where, given(ground, gus)).fetchone()
    if row is None:
        assert table not in FULL
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"insert into {table} select * from jsonb_populate_record(null::{table}, %s)", (Jsonb(row[0]),))


@pytest.mark.parametrize(("table", "column", "kind"), MOVES)
def test_a_guest_moves_nothing_into_another_workspace(
    app: psycopg.Connection, ground: Ground, table: str, column: str, kind: str
) -> None:
    found = app.execute(f"update {table} set {column} = {column}").rowcount
    assert found > 0, "the control: these rows may be changed"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app.execute(f"update {table} set {column} = %s", (ground.other[kind],))


def test_a_guest_gives_themselves_no_other_role_and_no_other_workspace(
    app: psycopg.Connection, ground: Ground, gus: Person
) -> None:
    assert app.execute("update workspace_members set role = 'viewer'").rowcount == 0
    for statement in (
        "insert into workspace_members (team_id, workspace_id, user_id, role) values (%(team)s, %(other)s, %(guest)s, 'editor')",
        "insert into team_members (team_id, user_id, role) values (%(team)s, %(guest)s, 'owner')",
        "insert into invitations (team_id, id, role, token_hash, invited_by, expires_at) values "
        "(%(team)s, gen_random_uuid(), 'admin', sha256('x'), %(guest)s, now())",
        "insert into api_keys (team_id, id, user_id, name, token_hash, last_four, scopes) values "
        "(%(team)s, gen_random_uuid(), %(guest)s, 'K', sha256('x'), 'abcd', '{}')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"row-level security|permission denied"):
            app.execute(statement, {**given(ground, gus), "other": ground.other["ws"]})
        app.execute("rollback to savepoint begun")
    assert app.execute("delete from workspace_members").rowcount == 1, "themselves they may take away"


def test_the_doors_tell_a_guest_nothing_about_people(app: psycopg.Connection, ground: Ground) -> None:
    team, last = ground.ann.team_id, UUID(int=2**128 - 1)
    for workspace in (ground.mine["ws"], ground.other["ws"]):
        people = app.execute("select * from app.workspace_guests(%s, %s, null, %s, 10)", (team, workspace, last))
        assert people.fetchall() == []
    assert app.execute("select * from app.team_people(%s, null, %s, 10)", (team, last)).fetchall() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("select * from app.open_invitation('', '{owner}')")
