"""A WebSocket that was opened with a key can do and hears what the key can, and a session's what the session can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from slipway import connections

from tests.api import Api, Person
from tests.core.backstage import say, sent, uuid_of
from tests.core.keyring import REVOKE_MINE, ROTATE, join, make

pytestmark = pytest.mark.usefixtures("granted")
TICKET = "POST /v1/socket/tickets"


@dataclass
class Opened:
    """A connection, as the ticket's authorizer described its caller."""

    context: dict[str, str]
    connection: str

    def say(self, action: str, kind: str = "MESSAGE", **message: Any) -> Any:
        return say(action, self, self.connection, kind, **message)


def connect(api: Api, by: Person | str, connection: str = "key=") -> Opened:
    """With a ticket that somebody has got."""
    ticket = api.call(TICKET, by=by).json["ticket"]
    context = connections.admit(ticket)
    assert context and connections.admit(ticket) is None
    opened = Opened(context, connection)
    assert opened.say("$connect", kind="CONNECT") == {"statusCode": 200}
    return opened


def listeners(api: Api, ann: Person, everything: psycopg.Connection) -> list[str]:
    """Who is sent the next event of the workspace's room."""
    everything.execute("delete from local.messages")
    path = {"workspace_id": ann.workspace["id"]}
    assert api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "P"}, by=ann, **path).status == 201
    return [connection for message in sent(everything, "broadcast") for connection in message["connections"]]


def test_a_key_s_ticket_opens_a_connection_of_the_key(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    key = make(api, ann)
    opened = connect(api, key["secret"])
    assert opened.context == {"kind": "user", "user_id": str(ann.user_id), "key_id": str(uuid_of(key["id"]))}
    kept = everything.execute("select key_id, session_id from connections").fetchall()
    assert kept == [(uuid_of(key["id"]), None)]
    assert opened.say("room.subscribe", room=ann.project["id"])["ok"]


def test_a_key_without_the_scope_hears_no_room(api: Api) -> None:
    ann = api.project()
    opened = connect(api, make(api, ann, "project:read", "run:*")["secret"])
    for action in ("room.subscribe", "room.unsubscribe"):
        assert opened.say(action, room=ann.project["id"])["error"]["code"] == "insufficient_scope"
    assert opened.say("ping")["ok"], "what needs no role needs no scope"


def test_a_key_of_one_workspace_hears_its_rooms_only(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    team = {"team_id": ann.team["id"]}
    other = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "Other"}, by=ann, **team).json
    opened = connect(api, make(api, ann, workspace_id=ann.workspace["id"])["secret"])
    for room in (ann.workspace["id"], ann.project["id"]):
        assert opened.say("room.subscribe", room=room)["ok"]
    assert opened.say("room.subscribe", room=other["id"])["error"]["code"] == "not_found"
    assert listeners(api, ann, everything) == ["key="]


@pytest.mark.parametrize("end", ["revoked", "rotated", "expired", "demoted", "removed"])
def test_a_connection_falls_silent_with_its_key(api: Api, everything: psycopg.Connection, end: str) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    key = make(api, editor)
    opened = connect(api, key["secret"])
    other = connect(api, make(api, editor)["secret"], "other=")
    for one in (opened, other):
        assert one.say("room.subscribe", room=ann.workspace["id"])["ok"]
    assert sorted(listeners(api, ann, everything)) == ["key=", "other="], "the control"
    mine, code = {"user": editor.user_id, "id": uuid_of(key["id"])}, "unauthenticated"
    if end == "revoked":
        assert api.call(REVOKE_MINE, by=editor, key_id=key["id"]).status == 204
    elif end == "rotated":
        path = {"team_id": ann.team["id"], "key_id": key["id"]}
        assert api.call(ROTATE, {"grace_minutes": 0}, by=editor, **path).status == 201
    elif end == "expired":
        everything.execute("update api_keys set expires_at = now() where id = %(id)s", mine)
    elif end == "demoted":
        everything.execute("update team_members set role = 'billing' where user_id = %(user)s", mine)
        code = "forbidden"
    else:
        everything.execute("delete from team_members where user_id = %(user)s", mine)
        code = "not_found"
    left = [] if end in ("demoted", "removed") else ["other="]
    assert listeners(api, ann, everything) == left
    assert opened.say("room.subscribe", room=ann.workspace["id"])["error"]["code"] == code


def test_a_ticket_is_worth_nothing_when_its_key_has_ended(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    key = make(api, ann)
    context = connections.admit(api.call(TICKET, by=key["secret"]).json["ticket"])
    everything.execute("update api_keys set revoked_at = now()")
    assert context and Opened(context, "late=").say("$connect", kind="CONNECT") == {"statusCode": 401}
    assert api.call(TICKET, by=key["secret"]).status == 401


def test_a_connection_falls_silent_with_its_session(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    editor = join(api, everything, ann, "editor")
    opened = connect(api, editor, "editor=")
    assert opened.say("room.subscribe", room=ann.workspace["id"])["ok"]
    assert listeners(api, ann, everything) == ["editor="]
    assert api.call("POST /v1/auth/logout", by=editor).status == 204
    assert listeners(api, ann, everything) == []
