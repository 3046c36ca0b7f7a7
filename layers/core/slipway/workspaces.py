"""Workspaces group a team's projects."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from slipway import audit, etags, ids, rooms
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import TeamId, WorkspaceId
from slipway.pages import before, page
from slipway.reply import Page, Reply
from slipway.texts import Input, Name


class Workspace(BaseModel):
    id: WorkspaceId
    team_id: TeamId
    name: str
    created_at: datetime


class NewWorkspace(Input):
    name: Name


class WorkspaceChange(Input):
    """A merge patch: what is absent stays."""

    name: Name | None = None


# Nothing is created in what is being deleted: a share lock waits for that, the key share of a foreign key does not.
CREATE = sql(
    """insert into workspaces (team_id, id, name)
       select t.id, %(id)s, %(name)s from teams t where t.id = %(team_id)s for share
       returning team_id, id, name, created_at, version"""
)
GET = sql("select team_id, id, name, created_at, version from workspaces where team_id = %(team_id)s and id = %(id)s")
LIST = sql(
    """select team_id, id, name, created_at from workspaces
        where team_id = %(team_id)s and id < %(before)s order by id desc limit %(limit)s"""
)
HOLD = sql(
    """select team_id, id, name, created_at, version from workspaces
        where team_id = %(team_id)s and id = %(id)s for no key update"""
)
UPDATE = sql(
    """update workspaces set name = %(name)s, version = version + 1 where team_id = %(team_id)s and id = %(id)s
       returning team_id, id, name, created_at, version"""
)
LOCK_PROJECTS = sql(
    """select id from projects where team_id = %(team_id)s and workspace_id = %(workspace_id)s
        order by id for update"""
)
# What the triggers of the delete will change is locked before the room, as by who creates a project or removes a guest.
LOCK_GUESTS = sql(
    """select user_id from workspace_members where team_id = %(team_id)s and workspace_id = %(workspace_id)s
        order by user_id for update"""
)
LOCK_COUNTS = sql(
    """select meter from quota_usage
        where team_id = %(team_id)s and meter in ('projects', 'seats') and period_start = date '1970-01-01'
        order by meter for update"""
)
DELETE = sql("delete from workspaces where team_id = %(team_id)s and id = %(id)s")
ALL = sql("select id from workspaces where team_id = %(team_id)s order by id")


def create(tx: Transaction, caller: Caller, new: NewWorkspace) -> Workspace:
    workspace_id = ids.new()
    made = _read(tx.one(CREATE, team_id=caller.team_id, id=workspace_id, name=new.name))
    rooms.open(tx, caller.team_id, workspace_id, "workspace", workspace_id)
    audit.record(tx, caller, "workspace.created", ids.encode("ws", workspace_id), None, {"name": new.name})
    return made


def get(tx: Transaction, caller: Caller, workspace_id: UUID, if_none_match: str | None) -> Reply[Workspace]:
    row = tx.one(GET, team_id=caller.team_id, id=workspace_id)
    return etags.reply(_read(row), row["version"] if row else 0, if_none_match)


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Workspace]:
    """A team's workspaces, newest first."""
    rows = tx.all(LIST, team_id=caller.team_id, before=before(cursor), limit=limit + 1)
    return page(Workspace, rows, limit)


def update(
    tx: Transaction, caller: Caller, workspace_id: UUID, change: WorkspaceChange, if_match: str | None
) -> Reply[Workspace]:
    row = tx.one(HOLD, team_id=caller.team_id, id=workspace_id)
    was = _read(row)
    version = row["version"] if row else 0
    etags.require(if_match, version)
    if change.name in (None, was.name):
        return etags.reply(was, version)
    row = tx.one(UPDATE, team_id=caller.team_id, id=workspace_id, name=change.name)
    now = _read(row)
    rooms.append(tx, caller.team_id, "ws", workspace_id, [("workspace.updated", now.model_dump(mode="json"))])
    audit.record(
        tx, caller, "workspace.updated", ids.encode("ws", workspace_id), {"name": was.name}, {"name": now.name}
    )
    return etags.reply(now, version + 1)


def delete(tx: Transaction, caller: Caller, workspace_id: UUID) -> None:
    """The workspace with its projects, guests and keys; what runs there is cancelled first."""
    was = erase(tx, caller.team_id, workspace_id)
    audit.record(tx, caller, "workspace.deleted", ids.encode("ws", workspace_id), {"name": was.name})


def erase(tx: Transaction, team_id: UUID, workspace_id: UUID) -> Workspace:
    """Delete it, and tell whoever looks at it; what it was.

    Not `for update` to begin with: a run that is just being created holds its project and needs the workspace.
    """
    from slipway.runs import run

    was = _read(tx.one(HOLD, team_id=team_id, id=workspace_id))  # no project is created from here on
    for project in tx.all(LOCK_PROJECTS, team_id=team_id, workspace_id=workspace_id):  # and no run
        run.abandon(tx, team_id, project["id"])
    tx.run(LOCK_GUESTS, team_id=team_id, workspace_id=workspace_id)
    tx.run(LOCK_COUNTS, team_id=team_id)
    rooms.append(tx, team_id, "ws", workspace_id, [("workspace.deleted", was.model_dump(mode="json"))])
    tx.run(DELETE, team_id=team_id, id=workspace_id)
    return was


def announce(tx: Transaction, team_id: UUID, event: str, data: dict[str, Any]) -> None:
    """Tell the room of each of the team's workspaces: people look at workspaces, a team has no room."""
    for workspace in tx.all(ALL, team_id=team_id):
        rooms.append(tx, team_id, "ws", workspace["id"], [(event, data)])


def _read(row: Row | None) -> Workspace:
    if row is None:
        raise Error("not_found")
    return Workspace.model_validate(row)
