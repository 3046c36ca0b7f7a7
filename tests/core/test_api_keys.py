from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from slipway import tokens

from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.keyring import (
    CREATE,
    CURRENT,
    GET,
    LIST,
    MINE,
    PROJECT,
    REVOKE,
    REVOKE_MINE,
    ROTATE,
    join,
    make,
)

# ── Making ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_made_and_does_what_its_maker_may(api: Api) -> None:
    ann = api.project()
    key = make(api, ann, "project:read", "project:update")
    assert key["user_id"] == ann.user["id"] and key["workspace_id"] is None
    assert key["scopes"] == ["project:read", "project:update"]
    assert key["secret"].startswith(key["prefix"]) and key["secret"].endswith(key["last_four"])
    assert api.call(PROJECT, by=key["secret"], project_id=ann.project["id"]).status == 200
    renamed = api.call("PATCH /v1/projects/{project_id}", {"name": "X"}, by=key["secret"], project_id=ann.project["id"])
    assert renamed.json["name"] == "X"


def test_the_secret_is_shown_once_and_kept_as_a_hash(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    key = make(api, ann)
    path = {"team_id": ann.team["id"], "key_id": key["id"]}
    without = {name: value for name, value in key.items() if name != "secret"}
    assert api.call(GET, by=ann, **path).json == without
    assert api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"] == [without]
    assert api.call(MINE, by=ann).json["data"] == [without]
    rows = everything.execute("select k::text, token_hash from api_keys k").fetchall()
    assert key["secret"] not in rows[0][0] and rows[0][1] == tokens.hashed(key["secret"])


def test_a_key_expires_in_90_days_if_nothing_is_said(api: Api) -> None:
    ann = api.project()

    def days(**said: Any) -> int | None:
        key = make(api, ann, **said)
        if key["expires_at"] is None:
            return None
        life: timedelta = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
        return life.days

    assert [days(), days(expires_in_days=1), days(expires_in_days=None)] == [90, 1, None]


@pytest.mark.parametrize(
    "body", [{"scopes": []}, {"scopes": ["nothing"]}, {"scopes": ["key:create"]}, {"expires_in_days": 0},
             {"expires_in_days": 367}, {"name": ""}, {"more": 1}, {"workspace_id": "prj_x"}], ids=str
)  # fmt: skip
def test_what_is_no_key_is_not_made(api: Api, body: dict[str, Any]) -> None:
    ann = api.project()
    given = {"name": "CI", "scopes": ["*:read"], **body}
    assert api.call(CREATE, given, by=ann, team_id=ann.team["id"]).status == 422


def test_nobody_gives_what_their_role_does_not_have(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    viewer = join(api, everything, ann, "viewer")
    refused = api.call(CREATE, {"name": "K", "scopes": ["file:write"]}, by=viewer, team_id=ann.team["id"])
    assert (refused.status, refused.json["code"], refused.json["missing"]) == (403, "forbidden", ["file:write"])
    assert make(api, viewer, "file:*")["scopes"] == ["file:read"]


def test_a_workspace_of_another_team_is_refused(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    body = {"name": "K", "scopes": ["*:read"], "workspace_id": bob.workspace["id"]}
    refused = api.call(CREATE, body, by=ann, team_id=ann.team["id"])
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/body/workspace_id")


def allow_two(everything: psycopg.Connection, ann: Person) -> None:
    everything.execute(
        """insert into team_overrides (team_id, meter, value, effective_from, reason)
           values (%s, 'api_keys', 2, now() - interval '1 minute', 'test')""",
        (uuid_of(ann.team["id"]),),
    )


def test_a_plan_s_limit_counts_the_keys_that_work(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    allow_two(everything, ann)
    first = make(api, ann)
    make(api, ann)
    refused = api.call(CREATE, {"name": "K", "scopes": ["*:read"]}, by=ann, team_id=ann.team["id"])
    assert (refused.status, refused.json["code"]) == (402, "quota_exceeded")
    assert (refused.json["limit"], refused.json["allowed"], refused.json["used"]) == ("api_keys", 2, 2)
    api.call(REVOKE, by=ann, team_id=ann.team["id"], key_id=first["id"])
    make(api, ann)
    everything.execute("update api_keys set expires_at = now()")
    make(api, ann)


def test_parallel_keys_do_not_overrun_the_limit(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., list[Any]]
) -> None:
    ann = api.project()
    allow_two(everything, ann)
    body = {"name": "K", "scopes": ["*:read"]}
    given = in_threads(lambda _: api.call(CREATE, body, by=ann, team_id=ann.team["id"]).status, list(range(8)))
    assert sorted(given) == [201] * 2 + [402] * 6


# ── Seeing and revoking ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_sees_their_own_keys_and_who_may_read_keys_sees_everybody_s(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    viewer, admin = (join(api, everything, ann, role) for role in ("viewer", "admin"))
    keys = [make(api, person)["id"] for person in (viewer, admin, ann)]

    def seen(key: str, by: Person | str, **options: Any) -> list[str]:
        return [made["id"] for made in api.call(key, by=by, **options).json["data"]]

    team = {"team_id": ann.team["id"]}
    assert seen(MINE, viewer) == seen(MINE, viewer, query=team) == keys[:1]
    other = api.call("POST /v1/teams", {"name": "Other"}, by=viewer).json
    assert seen(MINE, viewer, query={"team_id": other["id"]}) == []
    assert seen(LIST, admin, **team) == seen(LIST, ann, **team) == keys[::-1]
    assert seen(LIST, make(api, admin, "key:read")["secret"], **team)[1:] == keys[::-1]
    for key_id in keys:
        assert api.call(GET, by=viewer, **team, key_id=key_id).json["code"] == "forbidden"
        assert api.call(GET, by=admin, **team, key_id=key_id).json["id"] == key_id
    assert api.call(LIST, by=viewer, **team).json["code"] == "forbidden"


def test_the_lists_come_in_pages_newest_first(api: Api) -> None:
    ann = api.project()
    keys = [make(api, ann)["id"] for _ in range(3)]
    for key, path in ((LIST, {"team_id": ann.team["id"]}), (MINE, {})):
        first = api.call(key, by=ann, query={"limit": 2}, **path).json
        rest = api.call(key, by=ann, query={"limit": 2, "cursor": first["next_cursor"]}, **path).json
        assert [k["id"] for k in first["data"] + rest["data"]] == keys[::-1] and not rest["has_more"]


def test_an_admin_revokes_anybody_s_key_and_again_is_204_again(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    editor, admin = (join(api, everything, ann, role) for role in ("editor", "admin"))
    path = {"team_id": ann.team["id"], "key_id": make(api, editor)["id"]}
    assert api.call(REVOKE, by=editor, **path).json["code"] == "forbidden"
    assert api.call(REVOKE, by=admin, **path).status == 204
    first = api.call(GET, by=admin, **path).json["revoked_at"]
    assert api.call(REVOKE, by=admin, **path).status == 204
    assert api.call(GET, by=admin, **path).json["revoked_at"] == first


def test_nobody_reads_or_revokes_another_s_key(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.project("Bob")
    editor = join(api, everything, ann, "editor")
    key = make(api, ann)
    for unknown in (key["id"], "key_x", ann.user["id"]):
        assert api.call(REVOKE_MINE, by=editor, key_id=unknown).status == 404
    for team, by in ((ann, bob), (bob, bob)):
        path = {"team_id": team.team["id"], "key_id": key["id"]}
        assert api.call(GET, by=by, **path).status == 404
        assert api.call(REVOKE, by=by, **path).status == 404
        assert api.call(ROTATE, {}, by=by, **path).status == 404
    assert api.call(CURRENT, by=key["secret"]).json["revoked_at"] is None


# ── Who am I ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_reads_itself_and_a_login_is_none(api: Api) -> None:
    ann = api.project()
    key = make(api, ann)
    told = api.call(CURRENT, by=key["secret"]).json
    assert {**told, "last_used_at": None} == {name: value for name, value in key.items() if name != "secret"}
    assert api.call(CURRENT, by=ann).status == 404
    assert api.call("GET /v1/me", by=key["secret"]).json["id"] == ann.user["id"]
