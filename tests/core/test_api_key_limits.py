"""What a key may not do, and when it ends."""

from __future__ import annotations

import psycopg
import pytest
from slipway import discover
from slipway.permissions import SCOPES

from tests.api import Api, Response
from tests.core.backstage import uuid_of
from tests.core.keyring import (
    CREATE,
    CURRENT,
    LIST,
    MINE,
    PROJECT,
    REVOKE_MINE,
    ROTATE,
    join,
    make,
    remembered,
)

# ── What a key may not do ───────────────────────────────────────────────────────────────────────────────────────


def test_a_key_with_every_scope_makes_no_keys_and_does_nothing_that_needs_a_login(api: Api) -> None:
    ann = api.project()
    key = make(api, ann, *sorted(SCOPES))
    own = {"team_id": ann.team["id"], "key_id": key["id"]}
    refused = api.call(CREATE, {"name": "K", "scopes": ["*:read"]}, by=key["secret"], team_id=ann.team["id"])
    assert (refused.status, refused.json["code"]) == (403, "insufficient_scope")
    assert api.call(ROTATE, {}, by=key["secret"], **own).json["code"] == "insufficient_scope"
    for refused in (
        api.call(MINE, by=key["secret"]),
        api.call(REVOKE_MINE, by=key["secret"], key_id=key["id"]),
        api.call("POST /v1/teams", {"name": "T"}, by=key["secret"]),
        api.call("POST /v1/auth/logout", by=key["secret"]),
    ):
        assert (refused.status, refused.json["code"]) == (403, "login_required")


def test_every_route_asks_for_its_own_scope(api: Api) -> None:
    """With each permission's key: no route that needs another permission is answered with more than a refusal."""
    ann = api.project()
    ids = {"team_id": ann.team["id"], "workspace_id": ann.workspace["id"], "project_id": ann.project["id"]}
    tried = [r.spec for r in discover.routes() if r.spec.allow in SCOPES and set(_names(r.spec.path)) <= ids.keys()]
    assert len({spec.allow for spec in tried}) > 5, "the control: there is something to try"
    keys = {scope: make(api, ann, scope)["secret"] for scope in {spec.allow for spec in tried}}
    for scope, secret in keys.items():
        for spec in tried:
            if spec.allow == scope and spec.method != "GET":
                continue
            answer = api.call(spec.key, by=secret, **{name: ids[name] for name in _names(spec.path)})
            if spec.allow == scope:
                assert answer.status != 403, (scope, spec.key)
            else:
                assert (answer.status, answer.json["code"]) == (403, "insufficient_scope"), (scope, spec.key)
                assert answer.json["required"] == spec.allow


def _names(path: str) -> list[str]:
    return [part.strip("{}+") for part in path.split("/") if part.startswith("{")]


def test_a_key_works_in_its_own_team_only(api: Api) -> None:
    ann = api.project()
    other = api.call("POST /v1/teams", {"name": "Other"}, by=ann).json
    secret = make(api, ann, "*:read")["secret"]
    assert api.call("GET /v1/teams/{team_id}", by=secret, team_id=other["id"]).status == 404
    assert [team["id"] for team in api.call("GET /v1/teams", by=secret).json["data"]] == [ann.team["id"]]


def test_a_key_of_one_workspace_sees_nothing_else_of_the_team(api: Api) -> None:
    ann = api.project()
    at = {"team_id": ann.team["id"]}
    other = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "Other"}, by=ann, **at).json
    path = {"workspace_id": other["id"]}
    hidden = api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "H"}, by=ann, **path).json
    key = make(api, ann, "*:read", "project:*", workspace_id=ann.workspace["id"])
    secret = key["secret"]
    assert api.call(PROJECT, by=secret, project_id=ann.project["id"]).status == 200
    assert api.call("GET /v1/workspaces/{workspace_id}", by=secret, workspace_id=ann.workspace["id"]).status == 200
    for hidden_from_it in (
        api.call(PROJECT, by=secret, project_id=hidden["id"]),
        api.call("GET /v1/workspaces/{workspace_id}", by=secret, **path),
        api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "N"}, by=secret, **path),
        api.call("GET /v1/teams/{team_id}", by=secret, **at),
        api.call("GET /v1/teams/{team_id}/workspaces", by=secret, **at),
        api.call(LIST, by=secret, **at),
    ):
        assert (hidden_from_it.status, hidden_from_it.json["code"]) == (404, "not_found")
    assert api.call("GET /v1/teams", by=secret).json["data"] == []
    assert api.call(CURRENT, by=secret).json["workspace_id"] == ann.workspace["id"]


def test_a_key_goes_with_its_workspace(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    key = make(api, ann, workspace_id=ann.workspace["id"])
    everything.execute("delete from workspaces where id = %s", (uuid_of(ann.workspace["id"]),))
    assert api.call(CURRENT, by=key["secret"]).json["detail"] == "The API key is not known."


# ── When it ends ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()"])
def test_a_key_that_has_ended_is_refused_at_once_whatever_the_authorizer_remembers(
    api: Api, everything: psycopg.Connection, end: str
) -> None:
    ann = api.project()
    key = make(api, ann)
    assert remembered(key, ann.project["id"]).status == 200, "the control"
    everything.execute(f"update api_keys set {end}")
    for refused in (
        remembered(key, ann.project["id"]),
        api.call(PROJECT, by=key["secret"], project_id=ann.project["id"]),
    ):
        assert (refused.status, refused.json["code"]) == (401, "unauthenticated")
        assert refused.json["detail"] == "The API key was revoked or has expired."


def test_a_demotion_narrows_a_key_at_once_and_a_promotion_widens_it_again(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    secret = make(api, editor, "project:read", "project:update")["secret"]

    def rename() -> Response:
        key = "PATCH /v1/projects/{project_id}"
        return api.call(key, {"name": "X"}, by=secret, project_id=ann.project["id"])

    assert rename().status == 200
    everything.execute("update team_members set role = 'viewer' where user_id = %s", (editor.user_id,))
    assert (rename().status, rename().json["code"]) == (403, "forbidden")
    assert api.call(PROJECT, by=secret, project_id=ann.project["id"]).status == 200
    everything.execute("update team_members set role = 'editor' where user_id = %s", (editor.user_id,))
    assert rename().status == 200


def test_a_removed_member_s_key_sees_nothing(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    keys = [make(api, editor), make(api, editor, workspace_id=ann.workspace["id"])]
    everything.execute("delete from team_members where user_id = %s", (editor.user_id,))
    for key in keys:
        assert api.call(PROJECT, by=key["secret"], project_id=ann.project["id"]).status == 404
        assert remembered(key, ann.project["id"]).status == 404
        assert api.call("GET /v1/teams", by=key["secret"]).json["data"] == []


def test_a_key_of_who_is_only_a_guest_now_does_what_the_guest_may(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    key = make(api, editor, "*:read", "project:update")
    everything.execute("delete from team_members where user_id = %s", (editor.user_id,))
    everything.execute(
        "insert into workspace_members (team_id, workspace_id, user_id, role) values (%s, %s, %s, 'viewer')",
        (uuid_of(ann.team["id"]), uuid_of(ann.workspace["id"]), editor.user_id),
    )
    assert api.call(PROJECT, by=key["secret"], project_id=ann.project["id"]).status == 200
    rename = "PATCH /v1/projects/{project_id}"
    assert api.call(rename, {"name": "X"}, by=key["secret"], project_id=ann.project["id"]).json["code"] == "forbidden"
    assert api.call("GET /v1/teams/{team_id}", by=key["secret"], team_id=ann.team["id"]).status == 404


def test_who_left_a_team_still_sees_and_ends_the_keys_that_were_made_there(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    key = make(api, editor)
    everything.execute("delete from team_members where user_id = %s", (editor.user_id,))
    assert [k["id"] for k in api.call(MINE, by=editor).json["data"]] == [key["id"]]
    assert api.call(REVOKE_MINE, by=editor, key_id=key["id"]).status == 204
    assert api.call(MINE, by=editor).json["data"][0]["revoked_at"]
