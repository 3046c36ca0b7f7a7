from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from stacks.local.audit_command import app
from stacks.local.machine import Machine
from tests.api import Api, Person


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["verify", *arguments])


@pytest.fixture
def ann(api: Api, machine: Machine) -> Person:
    """Somebody with a team that has events, on a machine whose data folder names it."""
    machine.save()
    return api.project()


def lines(result: Result) -> dict[str, bool]:
    return {line["team_id"]: line["verified"] for line in map(json.loads, result.stdout.splitlines())}


def test_all_teams_are_walked(api: Api, ann: Person, machine: Machine) -> None:
    bob = api.project("Bob")
    done = verify("--data", machine.data, "--json")
    assert (done.exit_code, lines(done)) == (0, {ann.team["id"]: True, bob.team["id"]: True})
    assert f"whole   {ann.team['id']}" in verify("--data", machine.data).stdout


def test_a_broken_one_is_told_and_is_the_exit_code(
    api: Api, ann: Person, machine: Machine, everything: psycopg.Connection
) -> None:
    bob = api.project("Bob")
    everything.execute("set session_replication_role = replica")
    everything.execute("delete from audit_events where seq = 1 and team_id = %s", (bob.team_id,))
    done = verify("--data", machine.data, "--json")
    assert (done.exit_code, lines(done)) == (1, {ann.team["id"]: True, bob.team["id"]: False})
    assert f"BROKEN  {bob.team['id']}  at event 1;" in verify("--data", machine.data).stdout
    assert verify("--data", machine.data, "--team", ann.team["id"]).exit_code == 0


def test_a_noted_head_must_be_in_the_chain(api: Api, ann: Person, machine: Machine) -> None:
    head = api.call("GET /v1/teams/{team_id}/audit/head", by=ann, team_id=ann.team["id"]).json
    noted = f"{head['seq']}:{head['hash']}"
    one = ["--data", machine.data, "--team", ann.team["id"]]
    assert verify(*one, "--noted", noted).exit_code == 0
    assert verify(*one, "--noted", f"{head['seq']}:{'0' * 64}").exit_code == 1
    assert verify("--data", machine.data, "--noted", noted).exit_code == 2
    assert verify(*one, "--noted", "12").exit_code == 2
    assert verify("--data", machine.data, "--team", "prj_x").exit_code == 2


def test_a_folder_where_nothing_runs_is_named(tmp_path: Path) -> None:
    done = verify("--data", str(tmp_path))
    assert done.exit_code == 1
    assert str(tmp_path) in done.output
