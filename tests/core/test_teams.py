from __future__ import annotations

import psycopg
import pytest

from tests.api import Api
from tests.core.backstage import uuid_of

GET = "GET /v1/teams/{team_id}"


def test_who_creates_a_team_owns_it(api: Api) -> None:
    ann = api.register()
    made = api.call("POST /v1/teams", {"name": " Team "}, by=ann)
    assert (made.status, made.json["name"], made.json["role"], made.json["plan"]) == (201, "Team", "owner", "unlimited")
    assert api.call(GET, by=ann, team_id=made.json["id"]).json == made.json


def test_a_list_holds_the_caller_s_teams_and_no_others(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    assert [t["id"] for t in api.call("GET /v1/teams", by=ann).json["data"]] == [ann.team["id"]]
    assert [t["id"] for t in api.call("GET /v1/teams", by=bob).json["data"]] == [bob.team["id"]]


def test_another_s_team_looks_as_if_it_were_not_there(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    theirs = api.call(GET, by=bob, team_id=ann.team["id"])
    missing = api.call(GET, by=bob, team_id="team_01h455vb4pex5vsknk084sn02q")
    assert theirs.status == missing.status == 404
    assert {**theirs.json, "request_id": "", "instance": ""} == {**missing.json, "request_id": "", "instance": ""}


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("billing", 403), ("admin", 201)])
def test_the_role_is_the_caller_s_own_and_decides(
    api: Api, everything: psycopg.Connection, role: str, status: int
) -> None:
    ann, bob = api.project(), api.register("Bob")
    values = (uuid_of(ann.team["id"]), uuid_of(bob.user["id"]), role)
    everything.execute("insert into team_members (team_id, user_id, role) values (%s, %s, %s)", values)
    assert api.call(GET, by=bob, team_id=ann.team["id"]).json["role"] == role
    assert api.call(GET, by=ann, team_id=ann.team["id"]).json["role"] == "owner"
    made = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "W"}, by=bob, team_id=ann.team["id"])
    assert made.status == status
    if status == 403:
        assert made.json["required"] == "workspace:create"


def test_a_removed_member_is_a_stranger_at_once(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    assert api.call(GET, by=ann, team_id=ann.team["id"]).status == 200
    everything.execute("delete from team_members")
    assert api.call(GET, by=ann, team_id=ann.team["id"]).status == 404
    assert api.call("GET /v1/teams", by=ann).json["data"] == []
