from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from slipway import migrate

from scripts import schema
from stacks.local import postgres
from stacks.local.machine import Machine
from tests.core.backstage import happen

HEADER = "-- migrate:up lock_timeout=5s\n"
Write = Callable[..., None]


@pytest.fixture
def empty(server: postgres.Server) -> Iterator[str]:
    """An empty database; the owner's connection string."""
    name = f"m{uuid.uuid4().hex}"
    owner, _ = postgres.bootstrap(server.superuser_url, database=name)
    yield owner
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes migrations into a folder that takes the place of ours."""

    def files(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name.lstrip('_')}.sql").write_text(text)

    load = migrate.load
    monkeypatch.setattr(migrate, "load", lambda: load(tmp_path))
    return files


def tables(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        return {name for (name,) in rows} - {"schema_migrations"}


def test_our_migrations_are_named_and_headed_as_they_must_be() -> None:
    found = migrate.load()
    assert found[0].version == "0001" and found[0].lock_timeout == "5s"
    assert [m.version for m in found] == [f"{n:04}" for n in range(1, len(found) + 1)]


def test_the_committed_schema_is_what_the_migrations_make(empty: str) -> None:
    migrate.migrate(empty)
    made = schema.dump(empty)
    assert "CREATE TABLE public.projects" in made
    assert made == schema.FILE.read_text(), "the schema has changed: run scripts/schema and read its diff"


def test_migrating_twice_is_harmless(empty: str) -> None:
    assert migrate.migrate(empty) == [m.version for m in migrate.load()]
    before = tables(empty)
    assert migrate.migrate(empty) == []
    assert tables(empty) == before and "projects" in before


def test_two_at_once_wait_for_each_other(empty: str, write: Write) -> None:
    write(**{f"_000{n}_pre_t": f"{HEADER}create table t{n} (); select pg_sleep(0.05);" for n in (1, 2, 3)})
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate.migrate(empty), range(4)))
    assert sorted(applied) == [[], [], [], ["0001", "0002", "0003"]]


def test_each_phase_applies_its_half_in_order(empty: str, write: Write) -> None:
    write(_0001_pre_a=f"{HEADER}create table a ();", _0002_post_b=f"{HEADER}create table b ();",
          _0003_pre_c=f"{HEADER}create table c ();")  # fmt: skip
    assert migrate.migrate(empty, "pre") == ["0001", "0003"]
    assert tables(empty) == {"a", "c"}
    assert migrate.migrate(empty, "post") == ["0002"]
    assert migrate.migrate(empty) == []


def test_an_edited_migration_is_refused(empty: str, write: Write) -> None:
    write(_0001_pre_a=f"{HEADER}create table a ();")
    migrate.migrate(empty)
    write(_0001_pre_a=f"{HEADER}create table a (); create table b ();", _0002_pre_c=f"{HEADER}create table c ();")
    with pytest.raises(migrate.Changed, match="migration 0001 was edited after it was applied: restore it"):
        migrate.migrate(empty)
    assert tables(empty) == {"a"}


def test_a_newer_database_is_refused(empty: str, write: Write) -> None:
    write(_0001_pre_a=f"{HEADER}create table a ();")
    migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("insert into schema_migrations (version, checksum) values ('0002', 'x')")
    with pytest.raises(migrate.Newer, match="has migration 0002, this Slipway ends at 0001"):
        migrate.migrate(empty)


def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(empty: str, write: Write) -> None:
    write(_0001_pre_a=f"{HEADER}create table a ();", _0002_pre_b=f"{HEADER}create table b (); select 1/0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.migrate(empty)
    assert tables(empty) == {"a"}
    write(_0002_pre_b=f"{HEADER}create table b ();")
    assert migrate.migrate(empty) == ["0002"]


def test_a_migration_that_waits_for_a_lock_gives_up_and_leaves_nothing(empty: str, write: Write) -> None:
    write(_0001_pre_a=f"{HEADER}create table a (n int);")
    migrate.migrate(empty)
    write(_0002_pre_b="-- migrate:up lock_timeout=50ms\ncreate table b (); alter table a add column m int;")
    with psycopg.connect(empty) as other:
        other.execute("lock table a")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate.migrate(empty)
    assert tables(empty) == {"a"}
    assert migrate.migrate(empty) == ["0002"]


@pytest.mark.parametrize("name", ["1_pre_a", "0001_a", "0001_pre_A", "0001_mid_a", "0001_pre_", "0001-pre-a"])
def test_a_bad_file_name_is_refused_with_the_remedy(write: Write, name: str) -> None:
    write(**{name: f"{HEADER}select 1;"})
    with pytest.raises(ValueError, match=r"name it NNNN_pre\|post_words\.sql"):
        migrate.load()


@pytest.mark.parametrize(
    "text", ["select 1;", "-- migrate:up\nselect 1;", "-- migrate:up lock_timeout=5m\n", "\n" + HEADER, HEADER.strip()]
)
def test_a_bad_header_is_refused_with_the_remedy(write: Write, text: str) -> None:
    write(_0001_pre_a=text)
    with pytest.raises(ValueError, match="begin with '-- migrate:up lock_timeout=5s'"):
        migrate.load()


def test_two_migrations_of_one_number_are_refused(write: Write) -> None:
    write(_0001_pre_a=HEADER, _0001_pre_b=HEADER)
    with pytest.raises(ValueError, match="there is already a migration 0001"):
        migrate.load()


def test_months_begin_at_midnight_utc_on_a_server_of_any_time_zone(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set timezone = 'America/New_York'".encode())
    migrate.migrate(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        query = """select t.relname from pg_partitioned_table p join pg_class t on t.oid = p.partrelid,
                          lateral app.make_partitions(t.relname::text, 4) as made where made < 2"""
        assert connection.execute(query).fetchall() == [], "three are there, and two more fit behind them"
        connection.execute("set timezone = 'UTC'")
        query = """select pg_get_expr(relpartbound, oid) from pg_class
                    where relispartition and relkind = 'r' and relname ~ '_[0-9]{6}$'"""
        bounds = [bound for (bound,) in connection.execute(query).fetchall()]
        assert bounds and all(bound.count("-01 00:00:00+00") == 2 for bound in bounds)


def test_a_deploy_migrates_and_publishes_the_keys(machine: Machine, everything: psycopg.Connection) -> None:
    everything.execute("delete from signing_keys")
    happen("migrate", {"phase": "pre"})
    assert everything.execute("select count(*) from signing_keys where retired_at is null").fetchone() == (1,)


def test_every_table_is_the_owner_s_and_the_application_owns_nothing(everything: psycopg.Connection) -> None:
    query = """select c.relname, r.rolname from pg_class c join pg_roles r on r.oid = c.relowner
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"""
    owners: dict[str, Any] = dict(everything.execute(query).fetchall())
    assert len(owners) > 20 and set(owners.values()) == {"slipway_owner"}
    roles = everything.execute(
        "select rolname from pg_roles where (rolsuper or rolbypassrls) and rolname like 'slipway%'"
    ).fetchall()
    assert roles == []


# What triggers and other doors call, and what only the commands on the machine and the deploy do, as the owner.
NOT_IN_REQUESTS = {
    "count_projects", "count_seats", "count_api_keys", "set_plan", "set_limit", "clear_limit", "set_operator", "operators",
    "open_invitation", "refuse_rewriting",
}  # fmt: skip


def test_the_door_s_functions_have_a_fixed_search_path_and_only_the_application_may_call_them(
    everything: psycopg.Connection,
) -> None:
    query = """select p.proname, p.proconfig, has_function_privilege('slipway_reader', p.oid, 'execute'),
                      has_function_privilege('slipway_app', p.oid, 'execute')
                 from pg_proc p where p.pronamespace = 'app'::regnamespace and p.prosecdef"""
    rows = everything.execute(query).fetchall()
    assert len(rows) > 8
    for name, config, reader, app in rows:
        assert "search_path=pg_catalog, public, pg_temp" in config, f"{name}: temporary tables come last"
        assert (reader, app) == (False, name not in NOT_IN_REQUESTS), name
