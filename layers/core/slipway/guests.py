"""Guests: members of one workspace and of nothing else of its team. They come by an invitation."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from slipway import audit, ids, rooms
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import TeamId, UserId, WorkspaceId
from slipway.pages import LAST_UUID, before, page
from slipway.reply import Page
from slipway.texts import Input

Role = Literal["editor", "viewer"]


class Guest(BaseModel):
    user_id: UserId
    name: str
    email: str
    role: str
    joined_at: datetime


class GuestChange(Input):
    role: Role


class GuestWorkspace(BaseModel):
    """A workspace that the caller is a guest of; `name` is the workspace's, `role` the caller's there."""

    id: WorkspaceId
    name: str
    team_id: TeamId
    team_name: str
    role: str
    joined_at: datetime


PEOPLE = sql(
    """select user_id, name, email, role, joined_at
         from app.workspace_guests(%(team_id)s, %(workspace_id)s, %(user_id)s, %(before)s, %(limit)s)"""
)
MINE = sql(
    """select w.id, w.name, w.team_id, t.name as team_name, g.role, g.created_at as joined_at
         from workspace_members g join workspaces w on w.team_id = g.team_id and w.id = g.workspace_id
         join teams t on t.id = g.team_id
        where g.user_id = %(user_id)s and g.workspace_id < %(before)s order by g.workspace_id desc limit %(limit)s"""
)
HOLD = sql(
    """select role from workspace_members
        where team_id = %(team_id)s and workspace_id = %(workspace_id)s and user_id = %(user_id)s for no key update"""
)
UPDATE = sql(
    """update workspace_members set role = %(role)s
        where team_id = %(team_id)s and workspace_id = %(workspace_id)s and user_id = %(user_id)s"""
)
DELETE = sql(
    """delete from workspace_members
        where team_id = %(team_id)s and workspace_id = %(workspace_id)s and user_id = %(user_id)s returning role"""
)
SILENCE = sql(
    """delete from subscriptions s using rooms r
        where s.team_id = %(team_id)s and s.user_id = %(user_id)s
          and r.team_id = %(team_id)s and r.id = s.room_id and r.workspace_id = %(workspace_id)s"""
)


def list(tx: Transaction, caller: Caller, workspace_id: UUID, limit: int, cursor: str | None) -> Page[Guest]:
    """A workspace's guests, the newest account first."""
    rows = tx.all(
        PEOPLE,
        team_id=caller.team_id,
        workspace_id=workspace_id,
        user_id=None,
        before=before(cursor),
        limit=limit + 1,
    )
    return page(Guest, rows, limit, key="user_id")


def mine(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[GuestWorkspace]:
    """The workspaces that the caller is a guest of, newest first."""
    return page(GuestWorkspace, tx.all(MINE, user_id=caller.user_id, before=before(cursor), limit=limit + 1), limit)


def update(tx: Transaction, caller: Caller, workspace_id: UUID, user_id: UUID, change: GuestChange) -> Guest:
    place = {"team_id": caller.team_id, "workspace_id": workspace_id, "user_id": user_id}
    row = tx.one(HOLD, **place)
    if row is None:
        raise Error("not_found", "This person is not a guest of the workspace.")
    if row["role"] != change.role:
        tx.run(UPDATE, **place, role=change.role)
        who = ids.encode("usr", user_id)
        _tell(tx, caller, workspace_id, "member.updated", {"user_id": who, "role": f"guest_{change.role}"})
        audit.record(tx, caller, "guest.updated", who, _at(workspace_id, row["role"]), _at(workspace_id, change.role))
    return Guest.model_validate(tx.one(PEOPLE, **place, before=LAST_UUID, limit=1))


def remove(tx: Transaction, caller: Caller, workspace_id: UUID, user_id: UUID) -> None:
    """Whoever is no guest is no error."""
    row = tx.one(DELETE, team_id=caller.team_id, workspace_id=workspace_id, user_id=user_id)
    if row is not None:
        _departed(tx, caller, workspace_id, user_id, row["role"], "guest.removed")


def leave(tx: Transaction, caller: Caller, workspace_id: UUID) -> None:
    if caller.key_id is not None:
        raise Error("login_required")  # workspace:read is a scope of keys, and this is no reading
    row = tx.one(DELETE, team_id=caller.team_id, workspace_id=workspace_id, user_id=caller.user_id)
    if row is None:
        raise Error("not_a_guest", "A member of the team leaves the team instead.")
    _departed(tx, caller, workspace_id, caller.user_id, row["role"], "guest.left")


def _departed(tx: Transaction, caller: Caller, workspace_id: UUID, user_id: UUID, role: str, action: str) -> None:
    """Their sockets fall silent."""
    tx.run(SILENCE, team_id=caller.team_id, workspace_id=workspace_id, user_id=user_id)
    who = ids.encode("usr", user_id)
    _tell(tx, caller, workspace_id, "member.left", {"user_id": who})
    audit.record(tx, caller, action, who, _at(workspace_id, role))


def _tell(tx: Transaction, caller: Caller, workspace_id: UUID, event: str, data: dict[str, str]) -> None:
    rooms.append(tx, caller.team_id, "ws", workspace_id, [(event, data)])


def _at(workspace_id: UUID, role: str) -> dict[str, str]:
    return {"workspace_id": ids.encode("ws", workspace_id), "role": role}
