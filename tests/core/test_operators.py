from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.api import Api, Person

FIND = "GET /v1/operator/teams"


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


@pytest.fixture
def op(api: Api, everything: psycopg.Connection) -> Person:
    person = api.register("Op")
    everything.execute("update users set operator = true where id = %s", (person.user_id,))
    return person


def found(api: Api, op: Person, query: str, **more: Any) -> list[str]:
    answer = api.call(FIND, by=op, query={"query": query, **more})
    assert answer.status == 200, answer.json
    return [team["id"] for team in answer.json["data"]]


def test_a_team_is_found_by_id_name_and_owner(api: Api, ann: Person, op: Person) -> None:
    bob = api.project("Bob")
    assert found(api, op, ann.team["id"]) == [ann.team["id"]]
    assert found(api, op, ann.user["email"].upper()) == [ann.team["id"]]
    assert found(api, op, "tEA") == [bob.team["id"], ann.team["id"]]
    assert found(api, op, "%") == found(api, op, "nobody's") == []


def test_what_is_found_says_whose_it_is_and_which_plan_it_has(api: Api, ann: Person, op: Person) -> None:
    (team,) = api.call(FIND, by=op, query={"query": ann.team["id"]}).json["data"]
    assert team == {
        "id": ann.team["id"], "name": "Team", "plan": "unlimited", "members": 1, "owners": [ann.user["email"]],
        "created_at": ann.team["created_at"],
    }  # fmt: skip


def test_many_come_in_pages(api: Api, ann: Person, op: Person) -> None:
    teams = [ann.team["id"], *(api.project(name).team["id"] for name in ("Bob", "Carl"))][::-1]
    first = api.call(FIND, by=op, query={"query": "team", "limit": 2}).json
    assert [team["id"] for team in first["data"]] == teams[:2]
    assert found(api, op, "team", limit=2, cursor=first["next_cursor"]) == teams[2:]


def test_who_is_no_operator_finds_nothing(api: Api, ann: Person, op: Person, everything: psycopg.Connection) -> None:
    refused = api.call(FIND, by=ann, query={"query": "team"})
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert api.call(FIND, query={"query": "team"}).status == 401
    everything.execute("update users set operator = false")
    assert api.call(FIND, by=op, query={"query": "team"}).status == 404
