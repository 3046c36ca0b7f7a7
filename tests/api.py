"""Calls routes as the gateway does: the authorizer, then the handler, with the events of an HTTP API (payload 2.0)."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from slipway import discover, ids
from slipway.route import Route


@cache
def routes() -> dict[str, Route]:
    return {route.spec.key: route for route in discover.routes()}


@cache
def authorizer() -> Any:
    return next(a for a in discover.authorizers() if a.spec.api == "http")


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Person:
    """Somebody who is logged in, and what they own once `Api.project` has made it."""

    token: str
    refresh_token: str
    user: dict[str, Any]
    team: dict[str, Any] = field(default_factory=dict)
    workspace: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)

    @property
    def user_id(self) -> UUID:
        return ids.decode("usr", self.user["id"])

    @property
    def team_id(self) -> UUID:
        return ids.decode("team", self.team["id"])

    @property
    def session_id(self) -> UUID:
        """As the access token names it."""
        claims = self.token.split(".")[1]
        sid: str = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"]
        return ids.decode("ses", sid)

    @property
    def context(self) -> dict[str, str]:
        """What the authorizer says about them."""
        return {"kind": "user", "user_id": str(self.user_id), "session_id": str(self.session_id)}


class Api:
    def call(
        self,
        key: str,
        body: Any = None,
        *,
        by: Person | str | None = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> Response:
        """`key` is the route's; `body` bytes go as they are, anything else as JSON; path parameters by name."""
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        if routes()[key].spec.idempotency == "required":
            headers.setdefault("idempotency-key", uuid.uuid4().hex)
        given = event(key, body, query, headers, path)
        token = by.token if isinstance(by, Person) else by
        if token:
            given["headers"]["authorization"] = f"Bearer {token}"
        if routes()[key].spec.allow != "public" and token:
            said = authorizer()(given, None)
            given["requestContext"]["authorizer"] = {"lambda": said["context"]}
        answer = routes()[key](given, None)
        content = answer.get("body", "")
        raw = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        return Response(answer["statusCode"], answer["headers"], raw)

    def register(self, name: str = "Ann") -> Person:
        email = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.com"
        body = {"email": email, "password": "correct horse", "name": name}
        made = self.call("POST /v1/auth/register", body).json
        return Person(made["access_token"], made["refresh_token"], made["user"])

    def project(self, name: str = "Ann") -> Person:
        """A new person with a team, a workspace and a project."""
        person = self.register(name)
        person.team = self.call("POST /v1/teams", {"name": "Team"}, by=person).json
        path = {"team_id": person.team["id"]}
        person.workspace = self.call("POST /v1/teams/{team_id}/workspaces", {"name": "W"}, by=person, **path).json
        path = {"workspace_id": person.workspace["id"]}
        person.project = self.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "P"}, by=person, **path).json
        return person

    def save(self, person: Person, path: str, content: bytes, **headers: str) -> Response:
        key = "PUT /v1/projects/{project_id}/files/{path+}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call(key, content, by=person, headers=given, project_id=person.project["id"], path=path)

    def run(self, person: Person, **body: Any) -> Response:
        return self.call("POST /v1/projects/{project_id}/runs", body, by=person, project_id=person.project["id"])


def event(key: str, body: Any, query: dict[str, Any] | None, headers: dict[str, str], path: dict[str, str]) -> Any:
    """An HTTP API event for a route."""
    method, template = key.split(" ")
    raw_path = template
    for name, value in path.items():
        raw_path = raw_path.replace(f"{{{name}+}}", quote(value)).replace(f"{{{name}}}", quote(value, safe=""))
    given: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": raw_path,
        "rawQueryString": urlencode(query or {}),
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "requestId": uuid.uuid4().hex,
            "routeKey": key,
            "stage": "$default",
            "http": {"method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        },
        "isBase64Encoded": False,
    }
    if path:
        given["pathParameters"] = path
    if query:
        given["queryStringParameters"] = {name: str(value) for name, value in query.items()}
    if isinstance(body, bytes):
        given |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        given["headers"].setdefault("content-type", "application/octet-stream")
    elif body is not None:
        given["body"] = json.dumps(body)
        given["headers"].setdefault("content-type", "application/json")
    return given
