"""Row-level security as the application's role meets it. Every matrix has its control: what the owner sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from slipway import ids

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import consume, say, uuid_of
from tests.core.worker import Worker

TENANT = ("team_members", "quotas", "workspaces", "projects", "blobs", "files", "file_versions", "trees", "runs",
          "run_artifacts", "rooms", "room_events", "subscriptions", "teams", "workspace_members", "api_keys")  # fmt: skip
OWN = ("users", "sessions", "refresh_tokens", "socket_tickets", "connections", "idempotency_keys")
PLATFORM = ("plans", "plan_limits", "signing_keys", "workers", "outbox", "schema_migrations", "plan_rates",
            "rate_buckets")


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Person:
    """Somebody with a row in every table."""
    person = api.project()
    api.save(person, "main.py", b"1")
    worker = workers()
    worker.arrive()
    run = api.run(person).json
    consume(everything, "runs")
    worker.report(api, "artifacts", path="a", size=1, sha256="0" * 64)
    api.call("POST /v1/socket/tickets", by=person)
    say("$connect", person, "c1", kind="CONNECT")
    say("room.subscribe", person, "c1", room=run["id"])
    return person


@pytest.fixture
def app(machine: Machine) -> Any:
    """A connection of the application's role, inside a transaction."""
    with psycopg.connect(machine.app_url) as connection:
        yield connection


def begin(connection: psycopg.Connection, person: Person) -> None:
    connection.execute(
        "select * from app.begin_request(%s, %s, null, '', null)", (person.user_id, person.session_id)
    )


def count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def test_every_table_is_a_tenant_s_a_user_s_or_the_platform_s(everything: psycopg.Connection) -> None:
    query = """select relname, relrowsecurity and relforcerowsecurity from pg_class
                where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition"""
    found: dict[str, bool] = dict(everything.execute(query).fetchall())
    assert set(found) == {*TENANT, *OWN, *PLATFORM}, "a new table: say here whose it is, and give it a policy"
    assert {name for name, secured in found.items() if secured} == {*TENANT, *OWN}


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
    column = next(iter(everything.execute(f"select * from {table} limit 0").description or ())).name
    assert app.execute(f"update {table} set {column} = {column}").rowcount == visible
    row = everything.execute(f"select to_jsonb(t) from {table} t limit 1").fetchone()
    insert = f"insert into {table} select * from jsonb_populate_record(null::{table}, %s)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        app.execute(insert, (Jsonb(row[0] if row else None),))
    app.rollback()
    begin(app, api.register("Carl"))
    own = count(app, table)
    assert own < count(everything, table)
    assert app.execute(f"delete from {table}").rowcount == own


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
    assert [count(app, table) for table in (*TENANT, *OWN)] == [0] * 19
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
    assert without == {"teams", "socket_tickets"}
