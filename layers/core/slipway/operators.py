"""Who runs the platform: named by a command on the machine or in the deploy, never by a request."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from slipway import ids
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import TeamId
from slipway.pages import before, page
from slipway.reply import Page


class OperatedTeam(BaseModel):
    """A team as an operator finds it; `owners` are e-mail addresses."""

    id: TeamId
    name: str
    plan: str
    members: int
    owners: list[str]
    created_at: datetime


IS_OPERATOR = sql("select app.is_operator() as operator")
OPERATE = sql("select app.operate(%(team_id)s) as found")
TEAMS = sql(
    """select id, name, plan, members, owners, created_at
         from app.operator_teams(%(id)s, %(text)s, %(before)s, %(limit)s)"""
)


def is_operator(tx: Transaction) -> bool:
    """Whether the caller of this transaction is one."""
    row = tx.one(IS_OPERATOR)
    return bool(row and row["operator"])


def enter(tx: Transaction, team_id: UUID) -> None:
    """From here on an operator's transaction sees this team as its members do, and no other. The database asks again
    whether it is an operator. Raises not_found."""
    row = tx.one(OPERATE, team_id=team_id)
    if not (row and row["found"]):
        raise Error("not_found")


def find_teams(tx: Transaction, query: str, limit: int, cursor: str | None) -> Page[OperatedTeam]:
    """Teams by id, or by a part of their name or of an owner's address; newest first."""
    try:
        team_id = ids.decode("team", query.strip())
    except ValueError:
        team_id = None
    rows = tx.all(TEAMS, id=team_id, text=query.strip(), before=before(cursor), limit=limit + 1)
    return page(OperatedTeam, rows, limit)
