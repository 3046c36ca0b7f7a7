from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from stacks.local.cli import app
from stacks.local.machine import Machine
from tests.api import Api, Person

FIND = "GET /v1/operator/teams"


@pytest.fixture
def ann(api: Api, machine: Machine) -> Person:
    machine.save()
    return api.register()


def operator(machine: Machine, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["operator", *arguments, "--data", machine.data])


def test_who_was_added_may_and_who_was_removed_may_not(api: Api, ann: Person, machine: Machine) -> None:
    email, query = ann.user["email"], {"query": "x"}
    assert operator(machine, "add", email).exit_code == 0
    assert api.call(FIND, by=ann, query=query).status == 200
    assert json.loads(operator(machine, "list", "--json").stdout) == {"operators": [{"email": email, "name": "Ann"}]}
    assert email in operator(machine, "list").stdout
    assert operator(machine, "remove", email).exit_code == 0
    assert api.call(FIND, by=ann, query=query).status == 404
    assert operator(machine, "list").stdout == ""


def test_an_address_that_nobody_has_is_one_line_and_no_address_is_wrong_usage(ann: Person, machine: Machine) -> None:
    done = operator(machine, "add", "nobody@example.com")
    assert done.exit_code == 1 and "register first" in done.stderr
    assert operator(machine, "add", "nobody").exit_code == 2
