"""Make the sums again from the ledger, or only say where they differ: they never should.

What is added is the difference that one snapshot shows, so nothing has to stand still and doing it twice is harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from slipway import db
from slipway.db import Transaction, sql
from slipway.ids import TeamId

TEAMS = 500  # asked for at once
FIRST = UUID(int=0)
REPLAY = sql(
    """select summary, meter, at, user_id, project_id, kept, counted
         from app.replay_usage(%(team_id)s, %(first)s, %(last)s, %(mend)s)"""
)
TEAMS_AFTER = sql("select app.teams_after(%(id)s, %(limit)s) as id")


class Difference(BaseModel):
    """A sum that was `kept` where the ledger's lines come to `counted`; ids of zeros are nobody and no project."""

    team_id: TeamId
    summary: Literal["hour", "day"]
    meter: str
    at: datetime
    user_id: UUID
    project_id: UUID
    kept: int
    counted: int


def replay(first: date, last: date, team_id: UUID | None = None, *, mend: bool) -> Iterator[Difference]:
    """What differs on these days (UTC, both included), of one team or of all, each in a transaction of its own.

    Works as it is read: a team that nobody asks the iterator for is neither checked nor mended.
    """
    for team in [team_id] if team_id else _teams():
        with db.for_team(team) as tx:
            found = _of_team(tx, team, first, last, mend)
        yield from found


def _of_team(tx: Transaction, team_id: UUID, first: date, last: date, mend: bool) -> list[Difference]:
    rows = tx.all(REPLAY, team_id=team_id, first=first, last=last, mend=mend)
    return [Difference(team_id=team_id, **row) for row in rows]


def _teams() -> Iterator[UUID]:
    after = FIRST
    while True:
        with db.for_platform() as tx:
            rows = tx.all(TEAMS_AFTER, id=after, limit=TEAMS)
        yield from (row["id"] for row in rows)
        if len(rows) < TEAMS:
            return
        after = rows[-1]["id"]
