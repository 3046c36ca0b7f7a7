"""Somebody leaves a team or is removed: what ends with it, and what goes on."""

from __future__ import annotations

import psycopg
import pytest

from tests.api import Api, Person, Response
from tests.core.backstage import clear, say, sent, uuid_of
from tests.core.joining import audited, events, join

REMOVE = "DELETE /v1/teams/{team_id}/members/{user_id}"
LEAVE = "POST /v1/teams/{team_id}/leave"
TEAM = "GET /v1/teams/{team_id}"
PROJECT = "GET /v1/projects/{project_id}"
KEYS = "POST /v1/teams/{team_id}/keys"


def remove(api: Api, by: Person, ann: Person, whom: Person) -> Response:
    return api.call(REMOVE, by=by, team_id=ann.team["id"], user_id=whom.user["id"])


@pytest.mark.parametrize("how", ["removed", "left"])
def test_who_is_gone_is_a_stranger_at_once_and_their_run_goes_on(
    api: Api, everything: psycopg.Connection, how: str
) -> None:
    ann = api.project()
    bob = join(api, ann, "editor")
    bob.project = ann.project
    api.save(bob, "main.py", b"print(1)")
    run = api.run(bob).json
    gone = remove(api, ann, ann, bob) if how == "removed" else api.call(LEAVE, by=bob, team_id=ann.team["id"])
    assert gone.status == 204
    for key, path in ((TEAM, ann.team), (PROJECT, ann.project), ("GET /v1/runs/{run_id}", run)):
        name = key.split("{")[1].rstrip("}")
        assert api.call(key, by=bob, **{name: path["id"]}).status == 404
    assert api.call("GET /v1/teams", by=bob).json["data"] == []
    assert api.call("GET /v1/runs/{run_id}", by=ann, run_id=run["id"]).json["status"] == "queued"
    told = events(everything, uuid_of(ann.workspace["id"]))
    assert told[-1] == ("member.left", {"user_id": bob.user["id"]})
    assert audited(everything, f"member.{how}") == [(bob.user["id"], {"role": "editor"}, None)]
    assert remove(api, ann, ann, bob).status == 204, "removing again is no error"


def test_who_is_gone_hears_nothing_more(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "editor")
    for person, connection in ((ann, "a"), (bob, "b")):
        say("$connect", person, connection, kind="CONNECT")
        for room in (ann.workspace["id"], ann.project["id"]):
            assert say("room.subscribe", person, connection, room=room)["ok"]
    clear(everything)
    rename = "PATCH /v1/projects/{project_id}"
    api.call(rename, {"name": "One"}, by=ann, project_id=ann.project["id"])
    assert {c for m in sent(everything, "broadcast") for c in m["connections"]} == {"a", "b"}, "the control"
    remove(api, ann, ann, bob)
    clear(everything)
    api.call(rename, {"name": "Two"}, by=ann, project_id=ann.project["id"])
    assert {c for m in sent(everything, "broadcast") for c in m["connections"]} == {"a"}
    assert everything.execute("select 1 from subscriptions where user_id = %s", (bob.user_id,)).fetchall() == []
    assert say("room.subscribe", bob, "b", room=ann.project["id"])["error"]["status"] == 404


def test_the_one_who_goes_is_not_told_of_it(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "editor")
    for person, connection in ((ann, "a"), (bob, "b")):
        say("$connect", person, connection, kind="CONNECT")
        say("room.subscribe", person, connection, room=ann.workspace["id"])
    clear(everything)
    api.call(LEAVE, by=bob, team_id=ann.team["id"])
    heard = [(m["connections"], m["frames"][0]) for m in sent(everything, "broadcast")]
    assert [connections for connections, _ in heard] == [["a"]]
    assert "member.left" in heard[0][1]


def test_a_key_ends_with_its_maker_s_membership_and_does_not_come_back(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    bob = join(api, ann, "editor")
    body = {"name": "K", "scopes": ["project:read"]}
    key = api.call(KEYS, body, by=bob, team_id=ann.team["id"]).json["secret"]
    kept = api.call(KEYS, body, by=ann, team_id=ann.team["id"]).json["secret"]
    path = {"project_id": ann.project["id"]}
    assert api.call(PROJECT, by=key, **path).status == 200
    remove(api, ann, ann, bob)
    assert api.call(PROJECT, by=key, **path).status == 401
    everything.execute("insert into team_members (team_id, user_id, role) values (%s, %s, 'editor')",
                       (ann.team_id, bob.user_id))  # fmt: skip
    assert api.call(PROJECT, by=key, **path).status == 401
    assert api.call(PROJECT, by=kept, **path).status == 200
