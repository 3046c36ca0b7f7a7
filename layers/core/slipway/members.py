"""A team's members and their roles. Every change takes the team's row first: a team keeps an owner, whoever acts at once.

Nobody gives a role that may more than their own, nor changes somebody who has one: only owners make and unmake owners.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from slipway import audit, ids, scopes, workspaces
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import UserId
from slipway.pages import LAST_UUID, before, page
from slipway.permissions import ROLES, allows
from slipway.reply import Page
from slipway.texts import Input

Role = Literal["owner", "admin", "editor", "viewer", "billing"]


class Member(BaseModel):
    user_id: UserId
    name: str
    email: str
    role: str
    joined_at: datetime


class MemberChange(Input):
    role: Role


class Transfer(Input):
    """`user_id`: the member who becomes an owner in the caller's place."""

    user_id: UserId


class Standing(NamedTuple):
    """The roles under the lock, which may have changed since the request began; None: no member (any more)."""

    own: str | None
    theirs: str | None
    owners: int


PEOPLE = sql(
    """select user_id, name, email, role, joined_at
         from app.team_people(%(team_id)s, %(user_id)s, %(before)s, %(limit)s)"""
)
HOLD = sql("select 1 from teams where id = %(team_id)s for no key update")
STANDING = sql(
    """select (select role from team_members where team_id = %(team_id)s and user_id = %(own_id)s) as own,
              (select role from team_members where team_id = %(team_id)s and user_id = %(user_id)s) as theirs,
              (select count(*) from team_members where team_id = %(team_id)s and role = 'owner') as owners"""
)
UPDATE = sql("update team_members set role = %(role)s where team_id = %(team_id)s and user_id = %(user_id)s")
DELETE = sql("delete from team_members where team_id = %(team_id)s and user_id = %(user_id)s")
SILENCE = sql("delete from subscriptions where team_id = %(team_id)s and user_id = %(user_id)s")
REVOKE_KEYS = sql(
    """update api_keys set revoked_at = now()
        where team_id = %(team_id)s and user_id = %(user_id)s and revoked_at is null"""
)


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Member]:
    """A team's members, the newest account first."""
    rows = tx.all(PEOPLE, team_id=caller.team_id, user_id=None, before=before(cursor), limit=limit + 1)
    return page(Member, rows, limit, key="user_id")


def update(tx: Transaction, caller: Caller, user_id: UUID, change: MemberChange) -> Member:
    standing = _hold(tx, caller, user_id)
    if standing.theirs is None:
        raise Error("not_found", "This person is not a member of the team.")
    _require(caller, standing, "member:update", standing.theirs, change.role)
    scopes.require_role(caller, change.role)
    if change.role != "owner":
        _keep_an_owner(standing.theirs, standing)
    if change.role != standing.theirs:
        _give(tx, caller, user_id, standing.theirs, change.role)
    return _get(tx, caller, user_id)


def remove(tx: Transaction, caller: Caller, user_id: UUID) -> None:
    """Whoever is no member is no error."""
    standing = _hold(tx, caller, user_id)
    if standing.theirs is None:
        return
    _require(caller, standing, "member:remove", standing.theirs)
    _keep_an_owner(standing.theirs, standing)
    _depart(tx, caller, user_id, standing.theirs, "member.removed")


def leave(tx: Transaction, caller: Caller) -> None:
    standing = _hold(tx, caller, caller.user_id)
    if standing.own is None:
        return
    _keep_an_owner(standing.own, standing)
    _depart(tx, caller, caller.user_id, standing.own, "member.left")


def transfer(tx: Transaction, caller: Caller, transfer: Transfer) -> Member:
    """Another member becomes an owner, the caller an admin: both or neither."""
    standing = _hold(tx, caller, transfer.user_id)
    if standing.theirs is None or transfer.user_id == caller.user_id:
        raise Error("not_found", "There is no other member with this id.")
    _require(caller, standing, "team:transfer")
    if standing.theirs != "owner":
        _give(tx, caller, transfer.user_id, standing.theirs, "owner")
    _give(tx, caller, caller.user_id, "owner", "admin")
    return _get(tx, caller, transfer.user_id)


def within(role: str, own: str) -> bool:
    """Whether a role may nothing that one's own may not."""
    return ROLES[role] <= ROLES[own]


def _get(tx: Transaction, caller: Caller, user_id: UUID) -> Member:
    row = tx.one(PEOPLE, team_id=caller.team_id, user_id=user_id, before=LAST_UUID, limit=1)
    return Member.model_validate(row)


def _hold(tx: Transaction, caller: Caller, user_id: UUID) -> Standing:
    tx.run(HOLD, team_id=caller.team_id)
    row = tx.one(STANDING, team_id=caller.team_id, own_id=caller.user_id, user_id=user_id)
    return Standing(**row) if row else Standing(None, None, 0)


def _require(caller: Caller, standing: Standing, permission: str, *roles: str) -> None:
    """What the request was allowed for may be over by now; then each of the roles must be within one's own."""
    if standing.own is None:
        raise Error("not_found")
    if not allows(standing.own, permission):
        raise Error("forbidden", f"This needs the permission {permission}; your role here is {standing.own}.")
    for role in roles:
        if not within(role, standing.own):
            raise Error("forbidden", f"Your role here is {standing.own}: it does not reach to the role {role}.")
    if "owner" in roles and caller.key_id is not None:
        raise Error("login_required", "Owners are made and unmade by a person, not by an API key.")


def _keep_an_owner(role: str, standing: Standing) -> None:
    if role == "owner" and standing.owners == 1:
        raise Error("last_owner", "Make another member an owner first.")


def _give(tx: Transaction, caller: Caller, user_id: UUID, was: str, role: str) -> None:
    tx.run(UPDATE, team_id=caller.team_id, user_id=user_id, role=role)
    who = ids.encode("usr", user_id)
    workspaces.announce(tx, caller.team_id, "member.updated", {"user_id": who, "role": role})
    audit.record(tx, caller, "member.updated", who, {"role": was}, {"role": role})


def _depart(tx: Transaction, caller: Caller, user_id: UUID, role: str, action: str) -> None:
    """Their sockets fall silent and their keys end, for good: they do not come back with the person. Runs go on."""
    tx.run(DELETE, team_id=caller.team_id, user_id=user_id)
    tx.run(SILENCE, team_id=caller.team_id, user_id=user_id)
    tx.run(REVOKE_KEYS, team_id=caller.team_id, user_id=user_id)
    who = ids.encode("usr", user_id)
    workspaces.announce(tx, caller.team_id, "member.left", {"user_id": who})
    audit.record(tx, caller, action, who, {"role": role})
