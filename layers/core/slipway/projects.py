"""Projects: a tree of files that can be run."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from slipway import audit, etags, ids, quotas, rooms
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import ProjectId, TeamId, WorkspaceId
from slipway.pages import before, page
from slipway.reply import Page, Reply
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


# Nothing is created in what is being deleted: a share lock waits for that, the key share of a foreign key does not.
CREATE = sql(
    """insert into projects (team_id, id, workspace_id, name)
       select w.team_id, %(id)s, w.id, %(name)s from workspaces w
        where w.team_id = %(team_id)s and w.id = %(workspace_id)s for share
       returning team_id, id, workspace_id, name, created_at, updated_at"""
)
GET = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at, version from projects
        where team_id = %(team_id)s and id = %(id)s"""
)
LIST = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at from projects
        where team_id = %(team_id)s and workspace_id = %(workspace_id)s and id < %(before)s
        order by id desc limit %(limit)s"""
)
HOLD = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at, version from projects
        where team_id = %(team_id)s and id = %(id)s for no key update"""
)
UPDATE = sql(
    """update projects set name = %(name)s, updated_at = now(), version = version + 1
        where team_id = %(team_id)s and id = %(id)s
       returning team_id, id, workspace_id, name, created_at, updated_at, version"""
)
LOCK = sql(
    """select team_id, id, workspace_id, name, created_at, updated_at from projects
        where team_id = %(team_id)s and id = %(id)s for update"""
)
DELETE = sql("delete from projects where team_id = %(team_id)s and id = %(id)s")


def create(tx: Transaction, caller: Caller, workspace_id: UUID, new: NewProject) -> Project:
    project_id = ids.new()
    project = _read(tx.one(CREATE, team_id=caller.team_id, id=project_id, workspace_id=workspace_id, name=new.name))
    quotas.check_standing(tx, caller.team_id, "projects")
    rooms.open(tx, caller.team_id, project_id, "project", workspace_id)
    rooms.append(tx, caller.team_id, "ws", workspace_id, [("project.created", project.model_dump(mode="json"))])
    audit.record(tx, caller, "project.created", ids.encode("prj", project_id), None, {"name": new.name})
    return project


def get(tx: Transaction, caller: Caller, project_id: UUID, if_none_match: str | None) -> Reply[Project]:
    row = tx.one(GET, team_id=caller.team_id, id=project_id)
    return etags.reply(_read(row), row["version"] if row else 0, if_none_match)


def list(tx: Transaction, caller: Caller, workspace_id: UUID, limit: int, cursor: str | None) -> Page[Project]:
    """A workspace's projects, newest first."""
    rows = tx.all(LIST, team_id=caller.team_id, workspace_id=workspace_id, before=before(cursor), limit=limit + 1)
    return page(Project, rows, limit)


def update(
    tx: Transaction, caller: Caller, project_id: UUID, change: ProjectChange, if_match: str | None
) -> Reply[Project]:
    row = tx.one(HOLD, team_id=caller.team_id, id=project_id)
    was = _read(row)
    version = row["version"] if row else 0
    etags.require(if_match, version)
    if change.name in (None, was.name):
        return etags.reply(was, version)
    now = _read(tx.one(UPDATE, team_id=caller.team_id, id=project_id, name=change.name))
    told = now.model_dump(mode="json")
    rooms.append(tx, caller.team_id, "prj", project_id, [("project.updated", told)])
    rooms.append(tx, caller.team_id, "ws", now.workspace_id, [("project.updated", told)])
    audit.record(tx, caller, "project.updated", ids.encode("prj", project_id), {"name": was.name}, {"name": now.name})
    return etags.reply(now, version + 1)


def delete(tx: Transaction, caller: Caller, project_id: UUID) -> None:
    """The project with its files, runs and their logs."""
    from slipway.runs import run

    was = _read(tx.one(LOCK, team_id=caller.team_id, id=project_id))  # no run is created from here on
    run.abandon(tx, caller.team_id, project_id)
    told = [("project.deleted", was.model_dump(mode="json"))]
    # First the row, whose trigger locks the team's count of projects, then the room: as create does.
    tx.run(DELETE, team_id=caller.team_id, id=project_id)
    rooms.append(tx, caller.team_id, "prj", project_id, told)
    rooms.append(tx, caller.team_id, "ws", was.workspace_id, told)
    rooms.close(tx, caller.team_id, project_id)
    audit.record(tx, caller, "project.deleted", ids.encode("prj", project_id), {"name": was.name})


def _read(row: Row | None) -> Project:
    if row is None:
        raise Error("not_found")
    return Project.model_validate(row)
