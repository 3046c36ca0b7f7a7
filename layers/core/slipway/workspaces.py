"""Workspaces group a team's projects."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from slipway import ids, rooms
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.ids import TeamId, WorkspaceId
from slipway.pages import before, page
from slipway.reply import Page
from slipway.texts import Input, Name


class Workspace(BaseModel):
    id: WorkspaceId
    team_id: TeamId
    name: str
    created_at: datetime


class NewWorkspace(Input):
    name: Name


CREATE = sql(
    """insert into workspaces (team_id, id, name) values (%(team_id)s, %(id)s, %(name)s)
       returning team_id, id, name, created_at"""
)
GET = sql("select team_id, id, name, created_at from workspaces where team_id = %(team_id)s and id = %(id)s")
LIST = sql(
    """select team_id, id, name, created_at from workspaces
        where team_id = %(team_id)s and id < %(before)s order by id desc limit %(limit)s"""
)


def create(tx: Transaction, caller: Caller, new: NewWorkspace) -> Workspace:
    workspace_id = ids.new()
    row = tx.one(CREATE, team_id=caller.team_id, id=workspace_id, name=new.name)
    rooms.open(tx, caller.team_id, workspace_id, "workspace", workspace_id)
    return Workspace.model_validate(row)


def get(tx: Transaction, caller: Caller, workspace_id: UUID) -> Workspace:
    return Workspace.model_validate(tx.one(GET, team_id=caller.team_id, id=workspace_id))


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Workspace]:
    """A team's workspaces, newest first."""
    rows = tx.all(LIST, team_id=caller.team_id, before=before(cursor), limit=limit + 1)
    return page(Workspace, rows, limit)
