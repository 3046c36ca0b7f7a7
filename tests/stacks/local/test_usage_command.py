from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from stacks.local.cli import app
from stacks.local.machine import Machine
from tests.api import Api, Person


@pytest.fixture
def ann(api: Api, machine: Machine, everything: psycopg.Connection) -> Person:
    """Her team has used 5 runs today."""
    machine.save()
    person = api.project()
    everything.execute(
        """select app.add_lines(array[%s]::uuid[], '{runs}', '{run}', array[now()], '{5}', array[null]::uuid[],
                                array[null]::uuid[])""",
        (person.team_id,),
    )
    return person


def replay(machine: Machine, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["usage", "replay", *arguments, "--data", machine.data])


def test_a_replay_says_where_sums_differ_and_mends_them(
    ann: Person, machine: Machine, everything: psycopg.Connection
) -> None:
    assert replay(machine, "--check").exit_code == 0
    everything.execute("update usage_days set quantity = 7")
    checked = replay(machine, "--check", "--json")
    (found,) = map(json.loads, checked.stdout.splitlines())
    assert checked.exit_code == 1
    assert (found["team_id"], found["summary"], found["kept"], found["counted"]) == (ann.team["id"], "day", 7, 5)
    mended = replay(machine)
    assert mended.exit_code == 0 and "kept 7, the ledger has 5" in mended.stdout and "were mended" in mended.stdout
    assert everything.execute("select quantity from usage_days").fetchone() == (5,)
    assert "0 differences, all sums are the ledger's" in replay(machine, "--check").stdout


def test_a_replay_is_of_the_team_and_the_days_that_were_named(
    ann: Person, machine: Machine, everything: psycopg.Connection
) -> None:
    everything.execute("update usage_days set quantity = 7")
    other = "team_" + "0" * 26
    assert replay(machine, "--check", "--team", other).exit_code == 0
    assert replay(machine, "--check", "--last", "2026-01-01", "--first", "2025-12-31").exit_code == 0
    assert replay(machine, "--check", "--team", ann.team["id"]).exit_code == 1


@pytest.mark.parametrize(
    "arguments", [("--team", "prj_x"), ("--first", "yesterday"), ("--first", "2026-02-02", "--last", "2026-02-01")]
)
def test_wrong_usage_is_two(machine: Machine, arguments: tuple[str, ...]) -> None:
    assert replay(machine, *arguments).exit_code == 2


def test_a_folder_where_nothing_runs_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["usage", "replay", "--data", str(tmp_path)])
    assert done.exit_code == 1 and f"{tmp_path} is no data folder" in done.stderr
