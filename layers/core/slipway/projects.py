"""Projects: a tree of files that can be run."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from slipway import ids, rooms
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import ProjectId, TeamId, WorkspaceId
from slipway.pages import before, page
from slipway.reply import Page
from slipway.texts import Input, Name


class Project(BaseModel):
    id: ProjectId
    team_id: TeamId
    workspace_id: WorkspaceId
    name: str
    created_at: datetime
    updated_at: datetime


class NewProject(Input):
    name: Name


class ProjectChange(Input):
    """A merge patch: what is absent stays."""

    name: Name | None = None


CREATE = sql(
    """insert into projects (team_id, id, workspace_id, name)
       values (%(team_id)s, %(id)s, %(workspace_id)s, %(name)s)
       returning team_id, id, workspace_id, name, created_at, updated_at"""
)
GET = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at from projects
        where team_id = %(team_id)s and id = %(id)s"""
)
LIST = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at from projects
        where team_id = %(team_id)s and workspace_id = %(workspace_id)s and id < %(before)s
        order by id desc limit %(limit)s"""
)
UPDATE = sql(
    """update projects set name = coalesce(%(name)s, name), updated_at = now()
        where team_id = %(team_id)s and id = %(id)s
       returning team_id, id, workspace_id, name, created_at, updated_at"""
)
LOCK = sql("select 1 from projects where team_id = %(team_id)s and id = %(id)s for update")
DELETE = sql("delete from projects where team_id = %(team_id)s and id = %(id)s")


def create(tx: Transaction, caller: Caller, workspace_id: UUID, new: NewProject) -> Project:
    project_id = ids.new()
    row = tx.one(CREATE, team_id=caller.team_id, id=project_id, workspace_id=workspace_id, name=new.name)
    rooms.open(tx, caller.team_id, project_id, "project", workspace_id)
    project = _read(row)
    rooms.append(tx, caller.team_id, "ws", workspace_id, [("project.created", project.model_dump(mode="json"))])
    return project


def get(tx: Transaction, caller: Caller, project_id: UUID) -> Project:
    return _read(tx.one(GET, team_id=caller.team_id, id=project_id))


def list(tx: Transaction, caller: Caller, workspace_id: UUID, limit: int, cursor: str | None) -> Page[Project]:
    """A workspace's projects, newest first."""
    rows = tx.all(LIST, team_id=caller.team_id, workspace_id=workspace_id, before=before(cursor), limit=limit + 1)
    return page(Project, rows, limit)


def update(tx: Transaction, caller: Caller, project_id: UUID, change: ProjectChange) -> Project:
    return _read(tx.one(UPDATE, team_id=caller.team_id, id=project_id, name=change.name))


def delete(tx: Transaction, caller: Caller, project_id: UUID) -> None:
    """The project with its files, runs and their logs."""
    from slipway.runs import run

    tx.run(LOCK, team_id=caller.team_id, id=project_id)  # no run is created from here on
    run.abandon(tx, caller.team_id, project_id)
    tx.run(DELETE, team_id=caller.team_id, id=project_id)
    rooms.close(tx, caller.team_id, project_id)


def _read(row: Row | None) -> Project:
    if row is None:
        raise Error("not_found")
    return Project.model_validate(row)
