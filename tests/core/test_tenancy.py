"""Row-level security as the application's role meets it. Every matrix has its control: what the owner sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from slipway import ids
from slipway.catalogue import TABLES

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.furnished import furnished
from tests.core.worker import Worker

TENANT = tuple(table.name for table in TABLES if table.tenant)
OWN = tuple(table.name for table in TABLES if table.personal)


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Person:
    return furnished(api, everything, workers)


@pytest.fixture
def app(machine: Machine) -> Any:
    """A connection of the application's role, inside a transaction."""
    with psycopg.connect(machine.app_url) as connection:
        yield connection


def begin(connection: psycopg.Connection, person: Person) -> None:
    connection.execute("select * from app.begin_request(%s, %s, null, '', null)", (person.user_id, person.session_id))


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def test_every_table_is_a_tenant_s_a_user_s_or_the_platform_s(everything: psycopg.Connection) -> None:
    query = """select relname, relrowsecurity and relforcerowsecurity from pg_class
                where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition"""
    found: dict[str, bool] = dict(everything.execute(query).fetchall())
    assert set(found) == {table.name for table in TABLES}, "a new table: say in the catalogue whose it is"
    assert {name for name, secured in found.items() if secured} == {*TENANT, *OWN}, "give it a policy, and force it"


def test_the_application_reaches_partitions_only_through_their_table(everything: psycopg.Connection) -> None:
    query = """select relname from pg_class where relnamespace = 'public'::regnamespace and relispartition
                and relkind = 'r' and has_table_privilege('slipway_app', oid, 'select, insert, update, delete')"""
    assert everything.execute(query).fetchall() == []


@pytest.mark.parametrize("table", [*TENANT, *OWN])
def test_a_row_is_its_owner_s_and_nobody_else_s(
    api: Api, ann: Person, app: psycopg.Connection, everything: psycopg.Connection, table: str
) -> None:
    total = count(everything, table)
    assert total > 0
    assert count(app, table) == 0, "nobody has begun"
    begin(app, ann)
    assert count(app, table) == total, "the control: it is all hers"
    app.rollback()
    begin(app, api.register("Bob"))
    visible = count(app, table)
    assert visible == count(everything, table) - total, "Bob sees no row of Ann's"
    for column in granted(everything, table, "update"):
        assert app.execute(f"update {table} set {column} = {column}").rowcount == visible
        break
    row = everything.execute(f"select to_jsonb(t) from {table} t limit 1").fetchone()
    insert = f"insert into {table} select * from jsonb_populate_record(null::{table}, %s)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"row-level security|permission denied"):
        app.execute(insert, (Jsonb(row[0] if row else None),))
    app.rollback()
    begin(app, api.register("Carl"))
    own = count(app, table)
    assert own < count(everything, table)
    if granted(everything, table, "delete"):
        assert app.execute(f"delete from {table}").rowcount == own


def granted(everything: psycopg.Connection, table: str, verb: str) -> list[str]:
    """The columns that the application may so change; for "delete" all or none. Without a grant no policy is needed."""
    may = "has_table_privilege('slipway_app', %(table)s, %(verb)s)"
    if verb != "delete":
        may += " or has_column_privilege('slipway_app', %(table)s, attname, %(verb)s)"
    query = f"select attname from pg_attribute where attrelid = %(table)s::regclass and attnum > 0 and ({may})"
    return [name for (name,) in everything.execute(query, {"table": table, "verb": verb}).fetchall()]


@pytest.mark.parametrize("table", TENANT)
def test_the_platform_s_work_for_one_team_sees_that_team_only(
    api: Api, ann: Person, app: psycopg.Connection, everything: psycopg.Connection, table: str
) -> None:
    bob = api.project("Bob")
    app.execute("select app.begin_team(%s)", (uuid_of(bob.team["id"]),))
    column = "id" if table == "teams" else "team_id"
    assert app.execute(f"select 1 from {table} where {column} = %s", (uuid_of(ann.team["id"]),)).fetchall() == []
    app.rollback()
    app.execute("select app.begin_team(%s)", (uuid_of(ann.team["id"]),))
    assert count(app, table) > 0


def test_without_a_user_no_door_opens(ann: Person, app: psycopg.Connection) -> None:
    app.execute("select app.begin_user(null)")
    assert [count(app, table) for table in (*TENANT, *OWN)] == [0] * len((*TENANT, *OWN))
    with pytest.raises(psycopg.errors.NotNullViolation):
        app.execute("select app.create_team(gen_random_uuid(), 'mine')")


def test_a_row_cannot_be_moved_into_another_team(api: Api, ann: Person, app: psycopg.Connection) -> None:
    bob = api.project("Bob")
    begin(app, bob)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("update projects set team_id = %s", (uuid_of(ann.team["id"]),))


def test_a_reference_cannot_reach_into_another_team(api: Api, ann: Person, app: psycopg.Connection) -> None:
    """A foreign key sees through row-level security: that is why it carries the team."""
    bob = api.project("Bob")
    begin(app, bob)
    values = (uuid_of(bob.team["id"]), ids.new(), uuid_of(ann.workspace["id"]))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app.execute("insert into projects (team_id, id, workspace_id, name) values (%s, %s, %s, 'P')", values)


def test_every_foreign_key_between_tenants_tables_carries_the_team(everything: psycopg.Connection) -> None:
    query = """select conrelid::regclass::text, confrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
                where contype = 'f' and conparentid = 0"""
    for table, target, definition in everything.execute(query).fetchall():
        if table in TENANT and target in TENANT:
            key = "(team_id" if target != "teams" else "(team_id)"
            assert definition.startswith(f"FOREIGN KEY {key}"), definition


def test_every_foreign_key_has_an_index_for_its_deletes(everything: psycopg.Connection) -> None:
    query = """select c.conrelid::regclass::text, c.conkey from pg_constraint c
                where c.contype = 'f' and c.conparentid = 0 and not exists (
                  select from pg_index i where i.indrelid = c.conrelid
                     and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)"""
    without = {table for table, _ in everything.execute(query).fetchall()}
    # Plans are few and never deleted; tickets live for a minute.
    assert without == {"platform", "team_plans", "socket_tickets"}
