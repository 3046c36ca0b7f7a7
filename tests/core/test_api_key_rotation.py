from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from tests.api import Api
from tests.core.backstage import uuid_of
from tests.core.keyring import (
    CURRENT,
    ROTATE,
    join,
    make,
    remembered,
)


def test_a_rotated_key_works_beside_the_new_one_until_its_grace_is_over(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    old = make(api, ann, "run:*", expires_in_days=None, workspace_id=ann.workspace["id"])
    path = {"team_id": ann.team["id"], "key_id": old["id"]}
    new = api.call(ROTATE, {"grace_minutes": 5}, by=ann, **path).json
    for same in ("name", "scopes", "workspace_id", "user_id"):
        assert new[same] == old[same]
    assert new["id"] != old["id"] and new["secret"] != old["secret"]
    current = api.call(CURRENT, by=old["secret"]).json
    grace = datetime.fromisoformat(current["expires_at"]) - datetime.fromisoformat(new["created_at"])
    assert grace == timedelta(minutes=5)
    everything.execute("update api_keys set expires_at = now() where id = %s", (uuid_of(old["id"]),))
    assert api.call(CURRENT, by=old["secret"]).status == 401
    assert api.call(CURRENT, by=new["secret"]).json["id"] == new["id"]
    assert api.call(ROTATE, {}, by=ann, **path).json["code"] == "key_ended"


def test_a_grace_never_lengthens_a_key_s_life_and_none_ends_it_at_once(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    key = make(api, ann)
    everything.execute("update api_keys set expires_at = now() + interval '1 minute'")
    path = {"team_id": ann.team["id"], "key_id": key["id"]}
    api.call(ROTATE, {"grace_minutes": 1440}, by=ann, **path)
    left = everything.execute("select expires_at <= now() + interval '1 minute' from api_keys where id = %s",
                              (uuid_of(key["id"]),)).fetchone()  # fmt: skip
    assert left == (True,)
    assert api.call(ROTATE, {"grace_minutes": 0}, by=ann, **path).status == 201
    assert remembered(key, ann.project["id"]).status == 401
    assert api.call(ROTATE, {"grace_minutes": 1441}, by=ann, **path).status == 422


def test_a_rotated_key_has_no_more_than_its_maker_has_now(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    key, other = make(api, editor, "project:*"), make(api, editor, "file:write")
    everything.execute("update team_members set role = 'viewer' where user_id = %s", (editor.user_id,))
    rotated = api.call(ROTATE, {}, by=editor, team_id=ann.team["id"], key_id=key["id"]).json
    assert rotated["scopes"] == ["project:read"]
    refused = api.call(ROTATE, {}, by=editor, team_id=ann.team["id"], key_id=other["id"])
    assert (refused.status, refused.json["missing"]) == (403, ["file:write"])
