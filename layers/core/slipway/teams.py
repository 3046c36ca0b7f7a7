"""Teams own everything; a user belongs to any number of them."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import psycopg
from pydantic import BaseModel

from slipway import account_events, audit, etags, ids, workspaces
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import TeamId
from slipway.pages import before, page
from slipway.reply import Page, Reply
from slipway.texts import Input, Name


class Team(BaseModel):
    """`role` is the caller's own."""

    id: TeamId
    name: str
    plan: str
    role: str
    created_at: datetime


class NewTeam(Input):
    name: Name


class TeamChange(Input):
    """A merge patch: what is absent stays."""

    name: Name | None = None


CREATE = sql("select app.create_team(%(id)s, %(name)s)")
GET = sql(
    """select t.id, t.name, app.plan_of(t.id) as plan, t.created_at, t.version, m.role
         from teams t join team_members m on m.team_id = t.id and m.user_id = %(user_id)s where t.id = %(id)s"""
)
LIST = sql(
    """select t.id, t.name, app.plan_of(t.id) as plan, t.created_at, m.role
         from team_members m join teams t on t.id = m.team_id
        where m.user_id = %(user_id)s and t.id < %(before)s order by t.id desc limit %(limit)s"""
)
HOLD = sql("select name from teams where id = %(team_id)s for no key update")
UPDATE = sql("update teams set name = %(name)s, version = version + 1 where id = %(team_id)s")
HOLD_WORKSPACES = sql("select id from workspaces where team_id = %(team_id)s order by id for no key update")
DELETE = sql("delete from teams where id = %(team_id)s")


def create(tx: Transaction, caller: Caller, new: NewTeam) -> Team:
    """A team with the caller as its owner."""
    team_id = ids.new()
    try:
        tx.run(CREATE, id=team_id, name=new.name)
    except psycopg.Error as error:
        raise (_too_many(error) if error.sqlstate == "SL402" else error) from None
    audit.record(tx, caller, "team.created", ids.encode("team", team_id), None, {"name": new.name}, team_id=team_id)
    return _read(tx.one(GET, id=team_id, user_id=caller.user_id))


def _too_many(error: psycopg.Error) -> Error:
    told = json.loads(error.diag.message_detail or "{}")
    detail = f"You own {told['used']} teams with the plan {told['plan']}, and {told['allowed']} are allowed."
    allowed_by = "another plan for one of them, or handing one over"
    return Error("quota_exceeded", detail, limit="teams", resets_at=None, allowed_by=allowed_by, **told)


def get(tx: Transaction, caller: Caller) -> Reply[Team]:
    """With an ETag to change it by. The role and the plan have no part in that, hence no 304."""
    row = tx.one(GET, id=caller.team_id, user_id=caller.user_id)
    return etags.reply(_read(row), row["version"] if row else 0)


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Team]:
    """The caller's teams, newest first."""
    return page(Team, tx.all(LIST, user_id=caller.user_id, before=before(cursor), limit=limit + 1), limit)


def update(tx: Transaction, caller: Caller, change: TeamChange, if_match: str | None) -> Reply[Team]:
    tx.run(HOLD, team_id=caller.team_id)
    row = tx.one(GET, id=caller.team_id, user_id=caller.user_id)
    was = _read(row)
    version = row["version"] if row else 0
    etags.require(if_match, version)
    if change.name in (None, was.name):
        return etags.reply(was, version)
    tx.run(UPDATE, team_id=caller.team_id, name=change.name)
    team = ids.encode("team", caller.team_id)
    workspaces.announce(tx, caller.team_id, "team.updated", {"id": team, "name": change.name})
    audit.record(tx, caller, "team.updated", team, {"name": was.name}, {"name": change.name})
    return etags.reply(was.model_copy(update={"name": change.name}), version + 1)


def delete(tx: Transaction, caller: Caller, confirm: str) -> None:
    """The team with everything in it; what runs is cancelled first. `confirm` is its name, as it is now."""
    row = tx.one(HOLD, team_id=caller.team_id)
    if row is None:
        raise Error("not_found")
    if confirm != row["name"]:
        detail = "must be the team's name"
        errors = [{"pointer": "/query/confirm", "code": "confirm", "detail": detail}]
        raise Error("invalid", f"/query/confirm: {detail}", errors=errors)
    erase(tx, caller.team_id)
    # The team's own log goes with it: what remains is what its owner did.
    gone = {"team_id": ids.encode("team", caller.team_id), "name": row["name"]}
    account_events.record(tx, caller.user_id, caller, "team.deleted", gone)


def erase(tx: Transaction, team_id: UUID) -> None:
    """Delete a team, and tell whoever looks at one of its workspaces."""
    tx.run(HOLD, team_id=team_id)  # nobody joins and no workspace is created from here on
    for workspace in tx.all(HOLD_WORKSPACES, team_id=team_id):
        workspaces.erase(tx, team_id, workspace["id"])
    tx.run(DELETE, team_id=team_id)


def _read(row: Row | None) -> Team:
    if row is None:
        raise Error("not_found")
    return Team.model_validate(row)
