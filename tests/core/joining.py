"""How somebody comes into another's team or workspace: invited, and accepted."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.api import Api, Person, Response

INVITE = "POST /v1/teams/{team_id}/invitations"
ACCEPT = "POST /v1/invitations/accept"


def invite(api: Api, ann: Person, role: str = "viewer", guest: bool = False, **more: Any) -> Response:
    """As `ann`, into her team, or as a guest into her workspace."""
    place = {"workspace_id": ann.workspace["id"]} if guest else {}
    return api.call(INVITE, {"role": role, **place, **more}, by=ann, team_id=ann.team["id"])


def accept(api: Api, person: Person, invitation: Response) -> Response:
    return api.call(ACCEPT, {"token": invitation.json["token"]}, by=person)


def refused(api: Api, person: Person, invitation: Response) -> tuple[int, str]:
    """How accepting fails: status and code."""
    answer = accept(api, person, invitation)
    return answer.status, answer.json["code"]


def join(api: Api, ann: Person, role: str, name: str = "Bob") -> Person:
    """A new member of Ann's team."""
    person = api.register(name)
    assert accept(api, person, invite(api, ann, role)).status == 200
    return person


def visit(api: Api, ann: Person, role: str, name: str = "Gus") -> Person:
    """A new guest of Ann's workspace."""
    person = api.register(name)
    assert accept(api, person, invite(api, ann, role, guest=True)).status == 200
    return person


def verify(everything: psycopg.Connection, person: Person) -> None:
    everything.execute("update users set email_verified_at = now() where id = %s", (person.user_id,))


def events(everything: psycopg.Connection, room: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a room was told, oldest first."""
    query = "select type, data from room_events where room_id = %s order by seq"
    return [(type, data) for type, data in everything.execute(query, (room,)).fetchall()]


def audited(everything: psycopg.Connection, action: str) -> list[tuple[str, Any, Any]]:
    """Target, before and after of each event of this kind in any team's log."""
    query = "select target, before, after from audit_events where action = %s order by seq"
    return [(target, before, after) for target, before, after in everything.execute(query, (action,)).fetchall()]
