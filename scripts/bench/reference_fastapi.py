"""The reference: `POST /v1/workspaces/{workspace_id}/projects` as one would write it with FastAPI and Mangum.

It does the work of functions/http/projects/create.py: the same field types and ids, the same Powertools logger with
the request's keys, problem documents for whatever is raised, one kept connection, the same statements in the same
number of round trips. As FastAPI's documentation has it, what blocks is `def` and all else is `async def`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import psycopg
from aws_lambda_powertools import Logger
from fastapi import Depends, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mangum import Mangum
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict
from slipway import ids
from slipway.clock import now
from slipway.errors import Error, invalid
from slipway.ids import ProjectId, TeamId, WorkspaceId
from slipway.texts import Name

CREATE = """insert into projects (team_id, id, workspace_id, name)
select w.team_id, %(id)s, w.id, %(name)s from workspaces w
 where w.team_id = %(team_id)s and w.id = %(workspace_id)s for share
 returning team_id, id, workspace_id, name, created_at, updated_at"""
QUOTA = "select * from app.over_quota(%(team_id)s, 'projects')"
OPEN = "insert into rooms (team_id, id, kind, workspace_id) values (%(team_id)s, %(id)s, 'project', %(workspace_id)s)"
APPEND = """with room as (
   update rooms set last_seq = last_seq + 1 where team_id = %(team_id)s and id = %(room_id)s returning last_seq
 ), kept as (
   insert into room_events (team_id, room_id, seq, type, data, created_at)
   select %(team_id)s, %(room_id)s, last_seq, 'project.created', %(data)s::jsonb, %(at)s from room
 )
 select last_seq from room"""
LISTENERS = "select app.listeners(%(team_id)s, %(room_id)s, '{owner,admin,editor,viewer,guest_editor,guest_viewer}')"
AUDIT = "select app.append_audit(%(team_id)s, %(events)s::jsonb)"


class NewProject(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name


class Project(BaseModel):
    id: ProjectId
    team_id: TeamId
    workspace_id: WorkspaceId
    name: str
    created_at: datetime
    updated_at: datetime


logger = Logger(service="reference", level="INFO", utc=True, use_rfc3339=True)
Workspace = Annotated[WorkspaceId, Path()]


@cache
def connection() -> psycopg.Connection[dict[str, Any]]:
    address = os.environ["SLIPWAY_DATABASE_URL"]
    return psycopg.connect(address, autocommit=True, prepare_threshold=None, row_factory=dict_row)


class Who(NamedTuple):
    user_id: UUID
    session_id: UUID


async def who(request: Request) -> Who:
    """From the authorizer's context."""
    said = request.scope["aws.event"]["requestContext"].get("authorizer", {}).get("lambda", {})
    if said.get("kind") != "user":
        raise Error("unauthenticated", headers={"www-authenticate": "Bearer"})
    return Who(UUID(said["user_id"]), UUID(said["session_id"]))


@contextmanager
def transaction(who: Who, workspace_id: UUID) -> Iterator[UUID]:
    """The team's id, within a transaction that knows the caller."""
    admit = f"select app.admit('{who.user_id}', '{who.session_id}', null, 'ws', '{workspace_id}', 'write')"
    begin = f"begin; {admit}; commit and chain; select * from app.begin_admitted()"
    begun = connection().execute(begin.encode())
    try:
        while begun.nextset():
            pass
        row = begun.fetchone()
        if row is None or row["team_id"] is None:
            raise Error("not_found")
        if row["role"] not in ("owner", "admin", "editor"):
            raise Error("forbidden")
        yield row["team_id"]
        connection().execute("commit")
    except BaseException:
        connection().execute("rollback")
        raise


app = FastAPI()


@app.exception_handler(Error)
async def refused(request: Request, error: Error) -> JSONResponse:
    return problem(error, request)


@app.exception_handler(Exception)
async def unhandled(request: Request, error: Exception) -> JSONResponse:
    logger.exception("unhandled")
    return problem(Error("internal"), request)


@app.exception_handler(RequestValidationError)
async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
    return problem(invalid([*error.errors()]), request)


def problem(error: Error, request: Request) -> JSONResponse:
    document = error.problem(request.url.path, request.scope["aws.event"]["requestContext"]["requestId"])
    return JSONResponse(document, error.status, error.headers, media_type="application/problem+json")


@app.post("/v1/workspaces/{workspace_id}/projects", status_code=201)
def create(workspace_id: Workspace, new: NewProject, who: Annotated[Who, Depends(who)]) -> Project:
    with transaction(who, workspace_id) as team_id:
        project_id = ids.new()
        given = {"team_id": team_id, "id": project_id, "workspace_id": workspace_id, "name": new.name}
        row = connection().execute(CREATE, given, binary=True).fetchone()
        connection().execute(QUOTA, {"team_id": team_id}).fetchall()
        connection().execute(OPEN, given)
        project = Project.model_validate(row)
        data = json.dumps(project.model_dump(mode="json"))
        event = {"team_id": team_id, "room_id": workspace_id, "data": data, "at": now()}
        connection().execute(APPEND, event, binary=True).fetchone()
        connection().execute(LISTENERS, event).fetchone()
        connection().execute(AUDIT, {"team_id": team_id, "events": audited(project, who)}).fetchone()
        return project


def audited(project: Project, who: Who) -> str:
    told = {"credential": "session", "credential_id": str(who.session_id), "action": "project.created"}
    about = {"target": ids.encode("prj", project.id), "before": None, "after": {"name": project.name}}
    return json.dumps([told | about | {"address": "192.0.2.1", "user_agent": "bench/1", "request_id": "bench-request"}])


@app.post("/v1/echo/{workspace_id}", status_code=201)
async def echo(workspace_id: Workspace, new: NewProject, who: Annotated[Who, Depends(who)]) -> Project:
    """The same without a database, for the shell's own price."""
    at = now()
    user = who.user_id
    return Project(id=user, team_id=user, workspace_id=workspace_id, name=new.name, created_at=at, updated_at=at)


mangum = Mangum(app, lifespan="off")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The logger's keys and the headers of every response, out here because a Starlette middleware costs much more."""
    request_id = event["requestContext"]["requestId"]
    logger.append_keys(function="projects_create", request_id=request_id)
    try:
        response: dict[str, Any] = mangum(event, context)
    finally:
        logger.remove_keys(["function", "request_id"])
    response["headers"] |= {
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-request-id": request_id,
    }
    return response
