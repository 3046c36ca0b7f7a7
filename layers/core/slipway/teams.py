"""Teams own everything; a user belongs to any number of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from slipway import ids
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.ids import TeamId
from slipway.pages import before, page
from slipway.reply import Page
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


CREATE = sql("select app.create_team(%(id)s, %(name)s)")
GET = sql(
    """select t.id, t.name, t.plan, t.created_at, m.role
         from teams t join team_members m on m.team_id = t.id and m.user_id = %(user_id)s where t.id = %(id)s"""
)
LIST = sql(
    """select t.id, t.name, t.plan, t.created_at, m.role
         from team_members m join teams t on t.id = m.team_id
        where m.user_id = %(user_id)s and t.id < %(before)s order by t.id desc limit %(limit)s"""
)


def create(tx: Transaction, caller: Caller, new: NewTeam) -> Team:
    """A team with the caller as its owner."""
    team_id = ids.new()
    tx.run(CREATE, id=team_id, name=new.name)
    return Team.model_validate(tx.one(GET, id=team_id, user_id=caller.user_id))


def get(tx: Transaction, caller: Caller) -> Team:
    return Team.model_validate(tx.one(GET, id=caller.team_id, user_id=caller.user_id))


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Team]:
    """The caller's teams, newest first."""
    return page(Team, tx.all(LIST, user_id=caller.user_id, before=before(cursor), limit=limit + 1), limit)
