from __future__ import annotations

import json

from tests.api import Api
from tests.core.origins import login

LISTS = {"sessions", "identities", "teams", "guest_workspaces", "api_keys", "events"}


def test_a_person_gets_all_that_is_kept_about_them_and_no_secret(api: Api) -> None:
    ann = api.project()
    body = {"name": "CI", "scopes": ["project:read"]}
    key = api.call("POST /v1/teams/{team_id}/keys", body, by=ann, team_id=ann.team["id"]).json
    phone = login(ann.user["email"], "correct horse").json["access_token"]
    api.call("POST /v1/auth/logout", by=phone)
    answer = api.call("GET /v1/me/export", by=ann)
    found = answer.json
    assert answer.status == 200 and set(found) == {"exported_at", "user"} | LISTS
    assert found["user"] == api.call("GET /v1/me", by=ann).json
    assert sorted(s["revoked_at"] is None for s in found["sessions"]) == [False, True], "ended ones too"
    assert [t["id"] for t in found["teams"]] == [ann.team["id"]]
    assert [k["id"] for k in found["api_keys"]] == [key["id"]]
    assert {"session.opened", "account.registered"} <= {e["action"] for e in found["events"]}
    text = json.dumps(found)
    assert key["secret"] not in text and ann.refresh_token not in text and "argon2" not in text


def test_nothing_of_another_person_is_in_it(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    text = api.call("GET /v1/me/export", by=ann).content.decode()
    for id in (bob.user["id"], bob.team["id"], bob.user["email"]):
        assert id not in text


def test_an_api_key_gets_no_export(api: Api) -> None:
    ann = api.project()
    body = {"name": "CI", "scopes": ["project:read"]}
    key = api.call("POST /v1/teams/{team_id}/keys", body, by=ann, team_id=ann.team["id"]).json
    refused = api.call("GET /v1/me/export", by=key["secret"])
    assert (refused.status, refused.json["code"]) == (403, "login_required")
