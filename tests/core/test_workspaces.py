from __future__ import annotations

import psycopg

from tests.api import Api
from tests.core.backstage import uuid_of

CREATE = "POST /v1/teams/{team_id}/workspaces"
LIST = "GET /v1/teams/{team_id}/workspaces"
GET = "GET /v1/workspaces/{workspace_id}"


def test_a_workspace_is_made_read_and_listed(api: Api) -> None:
    ann = api.project()
    made = api.call(CREATE, {"name": "Second"}, by=ann, team_id=ann.team["id"])
    assert (made.status, made.json["team_id"]) == (201, ann.team["id"])
    assert api.call(GET, by=ann, workspace_id=made.json["id"]).json == made.json
    listed = api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"]
    assert [w["id"] for w in listed] == [made.json["id"], ann.workspace["id"]]


def test_a_workspace_has_a_room_under_its_own_id(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    rows = everything.execute("select kind from rooms where id = %s", (uuid_of(ann.workspace["id"]),)).fetchall()
    assert rows == [("workspace",)]


def test_a_stranger_sees_no_workspace(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    assert api.call(GET, by=bob, workspace_id=ann.workspace["id"]).status == 404
    assert api.call(LIST, by=bob, team_id=ann.team["id"]).status == 404
    assert api.call(CREATE, {"name": "Mine"}, by=bob, team_id=ann.team["id"]).status == 404


def test_a_list_of_one_team_holds_nothing_of_the_caller_s_other_team(api: Api) -> None:
    ann = api.project()
    other = api.call("POST /v1/teams", {"name": "Other"}, by=ann).json
    assert api.call(LIST, by=ann, team_id=other["id"]).json["data"] == []
