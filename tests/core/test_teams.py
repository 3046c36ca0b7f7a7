from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import ids, teams
from slipway.catalogue import TABLES

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.joining import audited, events, invite, join, visit

GET = "GET /v1/teams/{team_id}"
PATCH = "PATCH /v1/teams/{team_id}"
DELETE = "DELETE /v1/teams/{team_id}"


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


def test_a_rename_names_the_version_that_it_changes_and_is_told_and_kept(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    path = {"team_id": ann.team["id"]}
    etag = api.call(GET, by=ann, **path).headers["etag"]
    first = api.call(PATCH, {"name": "First"}, by=ann, headers={"If-Match": etag}, **path)
    assert (first.status, first.json) == (200, {**ann.team, "name": "First"})
    late = api.call(PATCH, {"name": "Late"}, by=ann, headers={"If-Match": etag}, **path)
    assert (late.status, late.headers["etag"]) == (412, first.headers["etag"])
    assert api.call(PATCH, {}, by=ann, **path).headers["etag"] == first.headers["etag"]
    assert api.call(GET, by=ann, **path).json["name"] == "First"
    told = events(everything, uuid_of(ann.workspace["id"]))
    assert told[1:] == [("team.updated", {"id": ann.team["id"], "name": "First"})]
    assert audited(everything, "team.created") == [(ann.team["id"], None, {"name": "Team"})]
    assert audited(everything, "team.updated") == [(ann.team["id"], {"name": "Team"}, {"name": "First"})]


def test_of_two_who_rename_the_same_version_one_is_told(api: Api, in_threads: Callable[..., Any]) -> None:
    ann = api.project()
    path = {"team_id": ann.team["id"]}
    etag = {"If-Match": api.call(GET, by=ann, **path).headers["etag"]}

    def rename(number: int) -> int:
        return api.call(PATCH, {"name": f"N{number}"}, by=ann, headers=etag, **path).status

    assert sorted(in_threads(rename, list(range(4)))) == [200] + [412] * 3


def test_only_who_says_its_name_deletes_a_team(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    for confirm in ({}, {"confirm": "team"}, {"confirm": ann.team["id"]}, {"confirm": ""}):
        refused = api.call(DELETE, by=ann, query=confirm, team_id=ann.team["id"])
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/query/confirm")
    admin = join(api, ann, "admin")
    assert api.call(DELETE, by=admin, query={"confirm": "Team"}, team_id=ann.team["id"]).status == 403
    assert everything.execute("select count(*) from teams").fetchone() == (1,)


def test_a_deleted_team_leaves_nothing_but_what_its_owner_did(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.project("Bob")
    join(api, ann, "editor", "Eve")
    visit(api, ann, "viewer")
    invite(api, ann)
    for person in (ann, bob):
        api.save(person, "main.py", b"print(1)")
        assert api.run(person).status == 202
    before = api.call(GET, by=bob, team_id=bob.team["id"]).json
    assert api.call(DELETE, by=ann, query={"confirm": "Team"}, team_id=ann.team["id"]).status == 204
    assert api.call(GET, by=ann, team_id=ann.team["id"]).status == 404
    for table in (table.name for table in TABLES if table.tenant):
        column = "id" if table == "teams" else "team_id"
        found = everything.execute(f"select 1 from {table} where {column} = %s", (ann.team_id,))
        assert found.fetchall() == [], table
    assert api.call(GET, by=bob, team_id=bob.team["id"]).json == before
    assert everything.execute("select count(*) from runs").fetchone() == (1,)
    rows = everything.execute("select user_id, details ->> 'name' from account_events where action = 'team.deleted'")
    assert rows.fetchall() == [(ann.user_id, "Team")]


def test_a_workspace_waits_for_a_deletion_that_has_begun_and_is_404(
    api: Api, machine: Machine, in_threads: Callable[..., Any]
) -> None:
    ann, held = api.project(), threading.Event()

    def act(number: int) -> int:
        if number == 1:
            held.wait(5)
            key = "POST /v1/teams/{team_id}/workspaces"
            return api.call(key, {"name": "W"}, by=ann, team_id=ann.team["id"]).status
        with psycopg.connect(machine.app_url) as connection:
            connection.execute("select app.begin_team(%s)", (ann.team_id,))
            connection.execute(teams.HOLD, {"team_id": ann.team_id})
            held.set()
            time.sleep(0.2)
            connection.execute(teams.DELETE, {"team_id": ann.team_id})
        return 204

    assert in_threads(act, [0, 1]) == [204, 404]


def test_what_begins_while_a_team_is_deleted_is_refused_or_gone_with_it(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    for _ in range(4):
        ann = api.project()
        api.save(ann, "main.py", b"print(1)")

        def act(number: int, ann: Person = ann) -> int:
            match number:
                case 0:
                    return api.call(DELETE, by=ann, query={"confirm": "Team"}, team_id=ann.team["id"]).status
                case 1 | 2:
                    key = "POST /v1/teams/{team_id}/workspaces"
                    return api.call(key, {"name": "W"}, by=ann, team_id=ann.team["id"]).status
                case _:
                    return api.run(ann).status

        statuses = in_threads(act, list(range(6)))
        assert statuses[0] == 204
        assert set(statuses[1:]) <= {201, 202, 404}
    for table in ("teams", "workspaces", "projects", "runs", "rooms", "blobs"):
        assert everything.execute(f"select count(*) from {table}").fetchone() == (0,), table


def test_a_person_owns_no_more_teams_of_the_first_plan_than_it_says(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    """Each team has free figures of its own: without an end to teams there would be none to those."""
    everything.execute("update platform set default_plan = 'free'")
    ann = api.register()
    answers = in_threads(lambda _: api.call("POST /v1/teams", {"name": "T"}, by=ann), list(range(8)))
    assert sorted(a.status for a in answers) == [201] * 3 + [402] * 5
    refused = next(a for a in answers if a.status == 402).json
    assert (refused["limit"], refused["allowed"], refused["used"]) == ("teams", 3, 3)
    made = next(a for a in answers if a.status == 201).json
    team = ids.decode("team", made["id"])
    everything.execute("select app.set_plan(%s, 'pro', now(), 'paid', null)", (team,))
    assert api.call("POST /v1/teams", {"name": "T"}, by=ann).status == 201
