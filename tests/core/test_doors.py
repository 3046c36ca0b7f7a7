"""What the application's role may do beside the rows that row-level security shows it: grants, and the schema's doors."""

from __future__ import annotations

import psycopg
import pytest

from stacks.local.machine import Machine
from tests.api import Api

MAY_WRITE = """select has_column_privilege('slipway_app', %s, %s, %s)"""


def may(everything: psycopg.Connection, privilege: str, table: str, column: str) -> bool:
    row = everything.execute(MAY_WRITE, (table, column, privilege)).fetchone()
    return bool(row and row[0])


def test_nobody_becomes_an_operator_by_a_statement_of_their_own(api: Api, machine: Machine) -> None:
    ann = api.register()
    with psycopg.connect(machine.app_url) as connection:
        connection.execute("select app.begin_user(%s)", (ann.user_id,))
        assert connection.execute("update users set name = 'A' where id = %s", (ann.user_id,)).rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update users set operator = true where id = %s", (ann.user_id,))


@pytest.mark.parametrize(
    ("privilege", "table", "column"),
    [
        ("insert", "users", "operator"),
        ("insert", "team_members", "role"),
        ("update", "team_members", "user_id"),
        ("insert", "workspace_members", "role"),
        ("update", "workspace_members", "workspace_id"),
        ("update", "invitations", "role"),
        ("update", "invitations", "accepted_at"),
        ("update", "api_keys", "scopes"),
        ("update", "idempotency_keys", "user_id"),
    ],
)
def test_the_application_does_not_write_what_only_a_door_decides(
    everything: psycopg.Connection, privilege: str, table: str, column: str
) -> None:
    assert not may(everything, privilege, table, column)
    assert may(everything, "select", table, column), "the control: that there is such a column"


def test_a_temporary_table_does_not_stand_before_a_door_s(api: Api, machine: Machine) -> None:
    ann, eve = api.project(), api.register("Eve")
    with psycopg.connect(machine.app_url) as connection:
        connection.execute("create temporary table team_members (team_id uuid, user_id uuid, role text)")
        connection.execute("grant select on team_members to public")
        connection.execute("insert into team_members values (%s, %s, 'owner')", (ann.team_id, eve.user_id))
        begun = connection.execute(
            "select team_id, role from app.begin_request(%s, %s, null, 'team', %s)",
            (eve.user_id, eve.session_id, ann.team_id),
        )
        assert begun.fetchone() == (None, None)


def test_nobody_else_may_call_a_function_of_the_schema(everything: psycopg.Connection) -> None:
    query = """select oid::regprocedure::text from pg_proc
                where pronamespace = 'app'::regnamespace and has_function_privilege('public', oid, 'execute')"""
    assert everything.execute(query).fetchall() == []
