"""One connection: values in, rows out, errors by their class, with prepared statements and without."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from slipway.wire import Wire, numbered

from stacks.local.machine import Machine


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def wire(request: pytest.FixtureRequest, machine: Machine) -> Iterator[Wire]:
    with Wire.open(machine.app_url, request.param) as wire:
        yield wire


def test_names_become_numbers_and_a_doubled_percent_sign_one() -> None:
    assert numbered("select %(b)s, %(a)s, %(b)s, 5 %% 2") == (b"select $1, $2, $1, 5 % 2", ("b", "a"))


def test_values_of_every_kind_come_back_as_they_went(wire: Wire) -> None:
    given = {
        "id": UUID(int=7),
        "text": "é%s",
        "blob": b"\0\xff",
        "numbers": [1, 2**40],
        "words": ["a", None],
        "none": None,
    }
    statement = """select %(id)s::uuid as id, %(text)s::text as text, %(blob)s::bytea as blob, %(none)s::int as none,
                     %(numbers)s::bigint[] as numbers, %(words)s::text[] as words"""
    for _ in range(3):
        assert wire.ask(statement, given).rows == [given]


def test_a_name_may_stand_twice_and_be_given_for_nothing(wire: Wire) -> None:
    statement = "select %(n)s::int + %(n)s::int as sum, 7 %% 4 as rest"
    assert wire.ask(statement, {"n": 4, "unused": 1}).rows == [{"sum": 8, "rest": 3}]


def test_it_tells_how_many_rows_were_touched(wire: Wire) -> None:
    wire.command("create temporary table t (n int)")
    insert = "insert into t select generate_series(1, %(n)s::int)"
    assert wire.ask(insert, {"n": 3}).touched == 3
    assert wire.ask("update t set n = 0 where n > %(n)s", {"n": 1}) == ([], 2, "UPDATE 2")
    assert wire.ask("select n from t where n > %(n)s", {"n": 9}).rows == []


def test_a_command_s_rows_are_those_of_its_last_statement(wire: Wire) -> None:
    found = wire.command("begin; select 1 as n union select 2 order by 1")
    assert found.rows == [{"n": 1}, {"n": 2}]
    assert wire.command("commit").status == "COMMIT"


def test_an_error_has_the_class_of_its_code(wire: Wire) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero) as caught:
        wire.ask("select 1 / %(n)s::int", {"n": 0})
    assert caught.value.diag.message_primary == "division by zero"
    with pytest.raises(psycopg.errors.SyntaxError):
        wire.ask("selec", {})
    with pytest.raises(psycopg.errors.UndefinedTable):
        wire.command("select 1; select * from nowhere")
    assert wire.ask("select 1 as n", {}).rows == [{"n": 1}]


def test_a_lost_connection_is_an_operational_error(wire: Wire, everything: psycopg.Connection) -> None:
    wire.ask("select 1", {})
    everything.execute("select pg_terminate_backend(%s, 5000)", (wire.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        wire.ask("select 1", {})
    assert wire.closed
    with pytest.raises(psycopg.OperationalError):
        wire.command("begin")


def test_the_server_keeps_a_statement_once_and_only_where_it_may(wire: Wire) -> None:
    for n in range(3):
        wire.ask("select %(n)s::int as n", {"n": n})
    kept = wire.ask(
        "select count(*)::int as kept from pg_prepared_statements where statement like %(s)s", {"s": "%int as n"}
    )
    assert kept.rows == [{"kept": 1 if wire.prepares else 0}]
