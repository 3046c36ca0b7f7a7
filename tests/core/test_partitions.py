from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from slipway import catalogue, clock, partitions

from tests.core.backstage import tick

pytestmark = pytest.mark.usefixtures("granted")
CUT = "select relname from pg_partitioned_table join pg_class c on c.oid = partrelid order by 1"
MONTHS = {"three": 3, "four": 4, "25": 25}


def month(ahead: int) -> datetime:
    """The first moment of a month; negative ones have passed."""
    now = clock.now()
    number = now.year * 12 + now.month - 1 + ahead
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def made(everything: psycopg.Connection, table: str, ahead: int) -> bool:
    name = f"{table}_{month(ahead):%Y%m}"
    return everything.execute("select to_regclass(%s) is not null", (name,)).fetchone() == (True,)


def make(everything: psycopg.Connection, table: str, ahead: int) -> None:
    first, last = month(ahead), month(ahead + 1)
    everything.execute(
        f"create table {table}_{first:%Y%m} partition of {table} for values from ('{first}') to ('{last}')".encode()
    )


def tables(everything: psycopg.Connection) -> list[str]:
    return [name for (name,) in everything.execute(CUT)]


def test_every_table_that_is_cut_by_month_gets_its_coming_months_once(everything: psycopg.Connection) -> None:
    cut = tables(everything)
    assert {"room_events", "usage_events", "usage_hours"} <= set(cut)
    partitions.turn(2)
    assert not any(made(everything, table, 4) for table in cut)
    assert partitions.turn(4) == (2 * len(cut), 0)
    assert all(made(everything, table, 4) for table in cut)
    assert partitions.turn(4) == (0, 0)


def test_months_beyond_a_tables_retention_are_dropped_whole_and_no_others(everything: psycopg.Connection) -> None:
    for table, age in (
        ("room_events", 3),
        ("room_events", 4),
        ("usage_events", 25),
        ("usage_events", 26),
        ("usage_hours", 5),
    ):
        make(everything, table, -age)
    tick("partitions")
    assert made(everything, "room_events", -3) and not made(everything, "room_events", -4)
    assert made(everything, "usage_events", -25) and not made(everything, "usage_events", -26)
    assert not made(everything, "usage_hours", -5)


def test_what_lies_in_the_rest_goes_with_its_month(everything: psycopg.Connection) -> None:
    everything.execute("set session_replication_role = replica")  # no team is needed for this
    add = """insert into usage_hours (team_id, meter, hour, user_id, project_id, quantity, events)
             values (gen_random_uuid(), 'runs', %s, gen_random_uuid(), gen_random_uuid(), 1, 1)"""
    for ahead in (-5, -4, 30):
        everything.execute(add, (month(ahead) + timedelta(days=1),))
    assert everything.execute("select count(*) from usage_hours_rest").fetchone() == (3,)
    tick("partitions")
    left = everything.execute("select hour from usage_hours_rest order by 1").fetchall()
    assert left == [(month(-4) + timedelta(days=1),), (month(30) + timedelta(days=1),)]


def test_rows_of_a_month_without_partition_are_kept_and_do_not_stop_the_job(everything: psycopg.Connection) -> None:
    everything.execute("set session_replication_role = replica")
    everything.execute(f"drop table usage_events_{month(0):%Y%m}".encode())  # as after months of standstill
    everything.execute("insert into usage_events values (gen_random_uuid(), 'runs', 'r', now(), 1)")
    tick("partitions")
    assert not made(everything, "usage_events", 0)
    assert everything.execute("select count(*) from usage_events_rest").fetchone() == (1,)


def test_a_month_that_another_time_zone_s_reaches_into_is_left_to_the_rest(everything: psycopg.Connection) -> None:
    eastern = "create table room_events_209902 partition of room_events for values from ('{}') to ('{}')"
    first, last = month(5), month(6) + timedelta(hours=5)
    everything.execute(eastern.format(first, last).encode())
    assert everything.execute("select app.make_partitions('room_events', 7)").fetchone() == (3,)
    assert (made(everything, "room_events", 6), made(everything, "room_events", 7)) == (False, True)


def test_what_the_schema_keeps_is_what_the_catalogue_says(everything: psycopg.Connection) -> None:
    retention = {table.name: table.retention for table in catalogue.TABLES}
    for name in tables(everything):
        row = everything.execute("select app.kept_months(%s)", (name,)).fetchone()
        said = re.fullmatch(r"(\w+) months, by (?:whole )?partitions", retention[name])
        assert row == (MONTHS[said[1]] if said else None,), f"{name}: app.kept_months and catalogue.TABLES must agree"


def test_no_argument_drops_what_is_to_be_kept(everything: psycopg.Connection) -> None:
    """The application may call these functions, and may not delete from the ledger."""
    assert everything.execute("select app.drop_partitions('teams')").fetchone() == (0,)
    with pytest.raises(psycopg.errors.RaiseException, match="not cut by month"):
        everything.execute("select app.make_partitions('teams', 1)")
    assert everything.execute("select app.make_partitions('usage_events', 1000000)").fetchone() == (22,)
