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
def ann(api: Api, machine: Machine) -> Person:
    machine.save()
    return api.project()


def plan(machine: Machine, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["plan", *arguments, "--data", machine.data])


def test_a_team_gets_a_plan_and_a_limit_of_its_own(
    ann: Person, machine: Machine, everything: psycopg.Connection
) -> None:
    team = ann.team["id"]
    assert plan(machine, "set", team, "starter", "--reason", "a friend").exit_code == 0
    assert plan(machine, "limit", team, "seats", "7").exit_code == 0
    shown = json.loads(plan(machine, "show", team, "--json").stdout)
    assert (shown["plan"], shown["team_id"]) == ("starter", team)
    assert [(x["allowed"], x["source"]) for x in shown["limits"] if x["meter"] == "seats"] == [(7, "override")]
    said = plan(machine, "show", team).stdout
    assert said.startswith("Starter (starter) since ") and "override" in said
    assert plan(machine, "limit", team, "seats", "unlimited").exit_code == 0
    query = "select value, reason from team_overrides where effective_to is null"
    assert everything.execute(query).fetchall() == [(None, "set on the machine")]


def test_what_does_not_exist_is_said_in_one_line(ann: Person, machine: Machine) -> None:
    for arguments in (
        ("set", ann.team["id"], "gold", "--reason", "why not"),
        ("limit", ann.team["id"], "wishes", "3"),
        ("show", "team_" + "0" * 26),
    ):
        done = plan(machine, *arguments)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), arguments


def test_wrong_usage_is_two(ann: Person, machine: Machine) -> None:
    for arguments in (("show", "prj_x"), ("limit", ann.team["id"], "seats", "many"), ("set", ann.team["id"], "pro")):
        assert plan(machine, *arguments).exit_code == 2, arguments


def test_a_folder_where_nothing_runs_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "show", "team_" + "0" * 26, "--data", str(tmp_path)])
    assert done.exit_code == 1 and f"{tmp_path} is no data folder" in done.stderr
