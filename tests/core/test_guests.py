"""Guests: what they may in their workspace, at the routes and at the sockets; the database's own wall: test_guest_wall.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import ids
from slipway.ids import TypeId
from slipway.permissions import ROLES, WITHOUT_ROLE, allows
from slipway.route import Route

from tests.api import Api, Person, routes
from tests.core.backstage import clear, say, sent
from tests.core.joining import accept, audited, events, invite, join, visit
from tests.core.two_workspaces import Ground, furnish
from tests.core.worker import Worker

LIST = "GET /v1/workspaces/{workspace_id}/guests"
PATCH = "PATCH /v1/workspaces/{workspace_id}/guests/{user_id}"
REMOVE = "DELETE /v1/workspaces/{workspace_id}/guests/{user_id}"
LEAVE = "POST /v1/workspaces/{workspace_id}/leave"
MINE = "GET /v1/me/workspaces"
WORKSPACE = "GET /v1/workspaces/{workspace_id}"
PROJECT = "GET /v1/projects/{project_id}"
OF_ROLES = [r for r in routes().values() if r.spec.allow not in WITHOUT_ROLE]


@pytest.fixture
def ground(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Ground:
    return furnish(api, everything, workers)


def call(api: Api, route: Route, by: Person, known: dict[str, UUID]) -> Any:
    """The route about the known resource, anything else in its path made up; an empty body."""
    path = {}
    for parameter in route.binding.parameters:
        if parameter.source == "path":
            found = next((m for m in getattr(parameter.annotation, "__metadata__", ()) if isinstance(m, TypeId)), None)
            prefix = found.prefixes[0] if found else ""
            path[parameter.key.rstrip("+")] = ids.encode(prefix, known.get(prefix, UUID(int=7))) if prefix else "x.py"
    return api.call(route.spec.key, {} if route.spec.method != "GET" else None, by=by, **path)


# ── Routes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_of_another_workspace_and_of_the_team_nothing_is_there(api: Api, ground: Ground, role: str) -> None:
    gus = visit(api, ground.ann, role)
    reached = 0
    for route in OF_ROLES:
        kind = route.binding.scope_kind
        known = {"team": ground.ann.team_id} if kind == "team" else ground.other
        answer = call(api, route, gus, known)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), route.spec.key
        reached += kind in ("ws", "prj", "run")
    assert reached > 15, "the control: there were routes to try"


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_of_the_own_workspace_the_role_decides(api: Api, ground: Ground, role: str) -> None:
    for route in OF_ROLES:
        if route.binding.scope_kind == "team":
            continue
        gus = visit(api, ground.ann, role)  # anew: leaving is one of the routes
        answer = call(api, route, gus, ground.mine)
        if allows(f"guest_{role}", route.spec.allow):
            assert answer.status != 403, route.spec.key
            if route.spec.method == "GET" and route.spec.path.count("{") == 1:
                assert answer.status == 200, route.spec.key
        else:
            assert (answer.status, answer.json["required"]) == (403, route.spec.allow), route.spec.key


def test_the_roles_of_guests_are_no_more_than_those_of_members() -> None:
    assert ROLES["guest_editor"] < ROLES["editor"]
    assert ROLES["guest_viewer"] < ROLES["viewer"]
    assert not {
        p for p in ROLES["guest_editor"] if p.partition(":")[0] in ("team", "member", "invitation", "key", "audit")
    }


def test_a_guest_editor_works_in_the_workspace(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    gus = visit(api, ann, "editor")
    path = {"workspace_id": ann.workspace["id"]}
    gus.project = api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "G"}, by=gus, **path).json
    assert api.save(gus, "main.py", b"print(1)").status == 201
    assert api.run(gus).status == 202
    assert (
        api.call("PATCH /v1/projects/{project_id}", {"name": "H"}, by=gus, project_id=ann.project["id"]).status == 200
    )
    assert audited(everything, "project.created")[-1][0] == gus.project["id"]


def test_a_thing_of_another_workspace_is_not_reached_through_one_of_the_own(api: Api, ground: Ground) -> None:
    gus = visit(api, ground.ann, "editor")
    key = "GET /v1/runs/{run_id}/artifacts/{artifact_id}"
    run = ids.encode("run", ground.mine["run"])
    for by in (gus, ground.ann):
        assert api.call(key, by=by, run_id=run, artifact_id=ids.encode("art", ground.other["art"])).status == 404


def test_a_guest_s_teams_and_workspaces(api: Api, ground: Ground) -> None:
    gus = visit(api, ground.ann, "viewer")
    assert api.call("GET /v1/teams", by=gus).json["data"] == []
    [mine] = api.call(MINE, by=gus).json["data"]
    assert (mine["id"], mine["name"], mine["team_id"], mine["team_name"], mine["role"]) == (
        ground.ann.workspace["id"], "W", ground.ann.team["id"], "Team", "viewer",
    )  # fmt: skip
    assert api.call(MINE, by=ground.ann).json["data"] == []


def test_own_workspaces_come_in_pages(api: Api, ground: Ground) -> None:
    gus = visit(api, ground.ann, "viewer")
    accept(api, gus, invite(api, ground.ann, workspace_id=ids.encode("ws", ground.other["ws"])))
    first = api.call(MINE, by=gus, query={"limit": 1}).json
    second = api.call(MINE, by=gus, query={"limit": 1, "cursor": first["next_cursor"]}).json
    assert [w["name"] for page in (first, second) for w in page["data"]] == ["Other", "W"]
    assert not second["has_more"]


# ── Sockets ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_guest_hears_the_rooms_of_the_workspace_and_no_others(
    api: Api, ground: Ground, everything: psycopg.Connection
) -> None:
    gus = visit(api, ground.ann, "viewer")
    say("$connect", gus, "g", kind="CONNECT")
    for prefix in ("ws", "prj", "run"):
        assert say("room.subscribe", gus, "g", room=ids.encode(prefix, ground.mine[prefix]))["ok"]
        refused = say("room.subscribe", gus, "g", room=ids.encode(prefix, ground.other[prefix]))
        assert refused["error"]["status"] == 404
    clear(everything)
    for project, heard in ((ground.mine, {"g"}), (ground.other, set())):
        path = {"project_id": ids.encode("prj", project["prj"])}
        assert api.call("PATCH /v1/projects/{project_id}", {"name": "New"}, by=ground.ann, **path).status == 200
        assert {c for m in sent(everything, "broadcast") for c in m["connections"]} == heard
        clear(everything)


@pytest.mark.parametrize("how", ["removed", "left"])
def test_a_guest_who_is_gone_is_a_stranger_at_once_and_hears_nothing_more(
    api: Api, ground: Ground, everything: psycopg.Connection, how: str
) -> None:
    ann = ground.ann
    gus, path = visit(api, ann, "viewer"), {"workspace_id": ann.workspace["id"]}
    say("$connect", gus, "g", kind="CONNECT")
    assert say("room.subscribe", gus, "g", room=ann.project["id"])["ok"]
    gone = (
        api.call(REMOVE, by=ann, user_id=gus.user["id"], **path)
        if how == "removed"
        else api.call(LEAVE, by=gus, **path)
    )
    assert gone.status == 204
    assert everything.execute("select 1 from subscriptions where connection_id = 'g'").fetchall() == []
    assert everything.execute("select count(*) from subscriptions").fetchone() != (0,), "others' stay"
    assert api.call(WORKSPACE, by=gus, **path).status == 404
    assert api.call(PROJECT, by=gus, project_id=ann.project["id"]).status == 404
    assert api.call(MINE, by=gus).json["data"] == []
    assert events(everything, ground.mine["ws"])[-1] == ("member.left", {"user_id": gus.user["id"]})
    before = {"workspace_id": ann.workspace["id"], "role": "viewer"}
    assert audited(everything, f"guest.{how}") == [(gus.user["id"], before, None)]
    assert api.call(REMOVE, by=ann, user_id=gus.user["id"], **path).status == 204, "removing again is no error"


# ── Managing them ───────────────────────────────────────────────────────────────────────────────────────────────


def test_members_see_a_workspace_s_guests(api: Api, ground: Ground) -> None:
    ann = ground.ann
    gus, hal = visit(api, ann, "viewer"), visit(api, ann, "editor", "Hal")
    for by in (ann, join(api, ann, "viewer", "Vic")):
        listed = api.call(LIST, by=by, workspace_id=ann.workspace["id"]).json["data"]
        assert [(g["user_id"], g["name"], g["email"], g["role"]) for g in listed] == [
            (hal.user["id"], "Hal", hal.user["email"], "editor"), (gus.user["id"], "Gus", gus.user["email"], "viewer"),
        ]  # fmt: skip
        other = {"workspace_id": ids.encode("ws", ground.other["ws"])}
        assert api.call(LIST, by=by, **other).json["data"] == []
    assert api.call(LIST, by=gus, workspace_id=ann.workspace["id"]).json["required"] == "member:read"


def test_another_role_holds_at_once_and_is_told_and_kept(
    api: Api, ground: Ground, everything: psycopg.Connection
) -> None:
    ann = ground.ann
    gus = visit(api, ann, "viewer")
    gus.project = ann.project
    path = {"workspace_id": ann.workspace["id"], "user_id": gus.user["id"]}
    assert api.save(gus, "g.py", b"1").status == 403
    changed = api.call(PATCH, {"role": "editor"}, by=ann, **path)
    assert (changed.status, changed.json["role"], changed.json["name"]) == (200, "editor", "Gus")
    assert api.save(gus, "g.py", b"1").status == 201
    assert events(everything, ground.mine["ws"])[-1] == (
        "member.updated", {"user_id": gus.user["id"], "role": "guest_editor"},
    )  # fmt: skip
    place = {"workspace_id": ann.workspace["id"]}
    assert audited(everything, "guest.updated") == [
        (gus.user["id"], {**place, "role": "viewer"}, {**place, "role": "editor"})
    ]
    assert api.call(PATCH, {"role": "admin"}, by=ann, **path).status == 422
    stranger = {**path, "user_id": api.register().user["id"]}
    assert api.call(PATCH, {"role": "editor"}, by=ann, **stranger).status == 404
    elsewhere = {**path, "workspace_id": ids.encode("ws", ground.other["ws"])}
    assert api.call(PATCH, {"role": "editor"}, by=ann, **elsewhere).status == 404
    assert api.call(REMOVE, by=ann, **elsewhere).status == 204
    assert api.call(WORKSPACE, by=gus, workspace_id=ann.workspace["id"]).status == 200, "a guest here still"


def test_a_member_of_the_team_leaves_the_team_instead(api: Api, ground: Ground) -> None:
    answer = api.call(LEAVE, by=ground.ann, workspace_id=ground.ann.workspace["id"])
    assert (answer.status, answer.json["code"]) == (409, "not_a_guest")


def test_a_key_that_may_read_a_workspace_does_not_make_its_maker_leave(api: Api, ground: Ground) -> None:
    body = {"name": "K", "scopes": ["workspace:read"]}
    key = api.call("POST /v1/teams/{team_id}/keys", body, by=ground.ann, team_id=ground.ann.team["id"]).json["secret"]
    assert api.call(LEAVE, by=key, workspace_id=ground.ann.workspace["id"]).json["code"] == "login_required"


def test_a_key_that_is_bound_to_a_workspace_manages_its_guests(api: Api, ground: Ground) -> None:
    """It does not see the team's members, yet these it does, and with all their names."""
    ann = ground.ann
    gus, hal = visit(api, ann, "viewer"), visit(api, ann, "viewer", "Hal")
    scopes = ["member:read", "member:update", "member:remove", "workspace:read", "workspace:update"]
    body = {"name": "K", "scopes": scopes, "workspace_id": ann.workspace["id"]}
    key = api.call("POST /v1/teams/{team_id}/keys", body, by=ann, team_id=ann.team["id"]).json["secret"]
    path = {"workspace_id": ann.workspace["id"]}
    assert [g["name"] for g in api.call(LIST, by=key, **path).json["data"]] == ["Hal", "Gus"]
    assert api.call(PATCH, {"role": "editor"}, by=key, user_id=gus.user["id"], **path).json["role"] == "editor"
    assert api.call(REMOVE, by=key, user_id=hal.user["id"], **path).status == 204
    assert [g["name"] for g in api.call(LIST, by=ann, **path).json["data"]] == ["Gus"]
    assert api.call("PATCH /v1/workspaces/{workspace_id}", {"name": "New"}, by=key, **path).status == 200
    assert api.call("GET /v1/teams/{team_id}/members", by=key, team_id=ann.team["id"]).status == 404
    assert api.call(LIST, by=key, workspace_id=ids.encode("ws", ground.other["ws"])).status == 404
