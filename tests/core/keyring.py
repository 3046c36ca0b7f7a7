"""Making API keys, and people of several roles who make them."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.api import Api, Person, Response, event, routes
from tests.core.backstage import uuid_of

CREATE = "POST /v1/teams/{team_id}/keys"
LIST = "GET /v1/teams/{team_id}/keys"
GET = "GET /v1/teams/{team_id}/keys/{key_id}"
REVOKE = "DELETE /v1/teams/{team_id}/keys/{key_id}"
ROTATE = "POST /v1/teams/{team_id}/keys/{key_id}/rotate"
MINE = "GET /v1/me/keys"
REVOKE_MINE = "DELETE /v1/me/keys/{key_id}"
CURRENT = "GET /v1/key"
PROJECT = "GET /v1/projects/{project_id}"


def make(api: Api, person: Person, *scopes: str, team: str = "", **more: Any) -> Any:
    """A key's JSON, with its secret."""
    body = {"name": "CI", "scopes": scopes or ["*:read"], **more}
    made = api.call(CREATE, body, by=person, team_id=team or person.team["id"])
    assert made.status == 201, made.json
    return made.json


def join(api: Api, everything: psycopg.Connection, ann: Person, role: str) -> Person:
    """Somebody else in Ann's team."""
    person = api.register(role.title())
    everything.execute(
        "insert into team_members (team_id, user_id, role) values (%s, %s, %s)",
        (uuid_of(ann.team["id"]), person.user_id, role),
    )
    person.team, person.workspace, person.project = ann.team, ann.workspace, ann.project
    return person


def remembered(key: dict[str, Any], project: str) -> Response:
    """Read a project while the authorizer remembers the key: what it once said is not asked again for a minute."""
    given = event(PROJECT, None, None, {}, {"project_id": project})
    said = {"kind": "user", "user_id": str(uuid_of(key["user_id"])), "key_id": str(uuid_of(key["id"]))}
    given["requestContext"]["authorizer"] = {"lambda": said}
    answer = routes()[PROJECT](given, None)
    return Response(answer["statusCode"], answer["headers"], answer["body"].encode())
