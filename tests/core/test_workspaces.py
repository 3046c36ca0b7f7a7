from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from slipway import workspaces

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import consume, say, sent, uuid_of
from tests.core.joining import audited, events, join

CREATE = "POST /v1/teams/{team_id}/workspaces"
LIST = "GET /v1/teams/{team_id}/workspaces"
GET = "GET /v1/workspaces/{workspace_id}"
PATCH = "PATCH /v1/workspaces/{workspace_id}"
DELETE = "DELETE /v1/workspaces/{workspace_id}"
PROJECT = "POST /v1/workspaces/{workspace_id}/projects"


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


def test_a_stranger_sees_no_workspace_and_changes_none(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    assert api.call(GET, by=bob, workspace_id=ann.workspace["id"]).status == 404
    assert api.call(LIST, by=bob, team_id=ann.team["id"]).status == 404
    assert api.call(CREATE, {"name": "Mine"}, by=bob, team_id=ann.team["id"]).status == 404
    assert api.call(PATCH, {"name": "Mine"}, by=bob, workspace_id=ann.workspace["id"]).status == 404
    assert api.call(DELETE, by=bob, workspace_id=ann.workspace["id"]).status == 404
    assert api.call(GET, by=ann, workspace_id=ann.workspace["id"]).json == ann.workspace


def test_a_list_of_one_team_holds_nothing_of_the_caller_s_other_team(api: Api) -> None:
    ann = api.project()
    other = api.call("POST /v1/teams", {"name": "Other"}, by=ann).json
    assert api.call(LIST, by=ann, team_id=other["id"]).json["data"] == []


def test_a_rename_names_the_version_that_it_changes_and_is_told_and_kept(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    path = {"workspace_id": ann.workspace["id"]}
    etag = api.call(GET, by=ann, **path).headers["etag"]
    first = api.call(PATCH, {"name": "First"}, by=ann, headers={"If-Match": etag}, **path)
    assert (first.status, first.json["name"]) == (200, "First")
    late = api.call(PATCH, {"name": "Late"}, by=ann, headers={"If-Match": etag}, **path)
    assert (late.status, late.headers["etag"]) == (412, first.headers["etag"])
    assert api.call(PATCH, {}, by=ann, **path).headers["etag"] == first.headers["etag"]
    assert api.call(GET, by=ann, headers={"If-None-Match": first.headers["etag"]}, **path).status == 304
    assert events(everything, uuid_of(ann.workspace["id"]))[1:] == [("workspace.updated", first.json)]
    assert audited(everything, "workspace.updated") == [(ann.workspace["id"], {"name": "W"}, {"name": "First"})]


def test_an_editor_neither_renames_nor_deletes_a_workspace(api: Api) -> None:
    ann = api.project()
    eve = join(api, ann, "editor", "Eve")
    path = {"workspace_id": ann.workspace["id"]}
    assert api.call(PATCH, {"name": "Mine"}, by=eve, **path).json["required"] == "workspace:update"
    assert api.call(DELETE, by=eve, **path).json["required"] == "workspace:delete"


def test_a_deleted_workspace_takes_its_projects_and_ends_their_runs_and_no_others(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    second = api.call(CREATE, {"name": "Second"}, by=ann, team_id=ann.team["id"]).json
    other = api.call(PROJECT, {"name": "Q"}, by=ann, workspace_id=second["id"]).json
    away = Person(ann.token, "", ann.user, ann.team, second, other)
    for person in (ann, away):
        api.save(person, "main.py", b"print(1)")
        assert api.run(person).status == 202
    say("$connect", ann, "c1", kind="CONNECT")
    say("room.subscribe", ann, "c1", room=ann.workspace["id"])
    consume(everything, "runs")
    assert api.call(DELETE, by=ann, workspace_id=ann.workspace["id"]).status == 204
    left = everything.execute("select project_id, status from runs").fetchall()
    assert left == [(uuid_of(other["id"]), "queued")]
    assert everything.execute("select id from workspaces").fetchall() == [(uuid_of(second["id"]),)]
    assert everything.execute("select count(*) from rooms").fetchone() == (3,), "a workspace's, a project's, a run's"
    assert api.call(GET, by=ann, workspace_id=ann.workspace["id"]).status == 404
    assert [frame for m in sent(everything, "broadcast") for frame in m["frames"] if "workspace.deleted" in frame]
    assert audited(everything, "workspace.deleted") == [(ann.workspace["id"], {"name": "W"}, None)]


def test_a_project_waits_for_a_deletion_that_has_begun_and_is_404(
    api: Api, machine: Machine, in_threads: Callable[..., Any]
) -> None:
    ann, held = api.project(), threading.Event()
    path = {"workspace_id": ann.workspace["id"]}

    def act(number: int) -> int:
        if number == 1:
            held.wait(5)
            return api.call(PROJECT, {"name": "Q"}, by=ann, **path).status
        with psycopg.connect(machine.app_url) as connection:
            connection.execute("select app.begin_team(%s)", (ann.team_id,))
            connection.execute(workspaces.HOLD, {"team_id": ann.team_id, "id": uuid_of(ann.workspace["id"])})
            held.set()
            time.sleep(0.2)
            connection.execute(workspaces.DELETE, {"team_id": ann.team_id, "id": uuid_of(ann.workspace["id"])})
        return 204

    assert in_threads(act, [0, 1]) == [204, 404]


def test_what_begins_while_a_workspace_is_deleted_is_404_or_gone_with_it(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ann = api.project()
    api.save(ann, "main.py", b"print(1)")
    for _ in range(4):
        workspace = api.call(CREATE, {"name": "X"}, by=ann, team_id=ann.team["id"]).json
        project = api.call(PROJECT, {"name": "Q"}, by=ann, workspace_id=workspace["id"]).json
        person = Person(ann.token, "", ann.user, ann.team, workspace, project)
        api.save(person, "main.py", b"print(1)")

        def act(number: int, person: Person = person) -> int:
            path = {"workspace_id": person.workspace["id"]}
            if number == 0:
                return api.call(DELETE, by=person, **path).status
            if number % 2:
                return api.call(PROJECT, {"name": "R"}, by=person, **path).status
            return api.run(person).status

        statuses = in_threads(act, list(range(5)))
        assert statuses[0] == 204
        assert set(statuses[1:]) <= {201, 202, 404}
    assert everything.execute("select count(*) from runs").fetchone() == (0,)
    assert everything.execute("select count(*) from projects").fetchone() == (1,)
