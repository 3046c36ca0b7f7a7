"""The metering ledger: lines that are only ever added, each the use that one event of the platform made of one meter.

A line is named by its event: `source` (a run's id, "storage") and `at`, that event's own time. Told again, it is the
same line, so whoever is not sure whether a line was written writes it again. Adding one adds to the sums by hour
and day in the same statement (`app.meter`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import ProjectId, UserId
from slipway.pages import after, page
from slipway.reply import Page
from slipway.usage.meters import MeterName


class Line(BaseModel):
    """`at` is when it happened, `recorded_at` when the ledger heard of it. People and projects may be gone since."""

    at: datetime
    meter: str
    quantity: int
    source: str
    user_id: UserId | None
    project_id: ProjectId | None
    recorded_at: datetime


METER = sql(
    """select app.meter(array[%(team_id)s]::uuid[], array[%(meter)s]::text[], array[%(source)s]::text[],
                        array[%(at)s]::timestamptz[], array[%(quantity)s]::bigint[], array[%(user_id)s]::uuid[],
                        array[%(project_id)s]::uuid[])"""
)
NEWEST = sql(
    """select at, meter, quantity, source, user_id, project_id, recorded_at,
              to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || ' ' || meter || ' ' || source as position
         from usage_events
        where team_id = %(team_id)s and (%(meter)s::text is null or meter = %(meter)s)
          and (at, meter, source) < (%(before)s::timestamptz, %(before_meter)s::text, %(before_source)s::text)
        order by at desc, meter desc, source desc limit %(limit)s"""
)


def record(
    tx: Transaction,
    team_id: UUID,
    meter: MeterName,
    quantity: int,
    source: str,
    at: datetime,
    user_id: UUID | None = None,
    project_id: UUID | None = None,
) -> None:
    """Add a line right before the commit, since its sums are rows that a whole team's work shares. Nothing used: no line.

    `quantity` in the meter's unit; `at` with a zone, and the same whenever this source is told.
    """
    if quantity <= 0:
        return
    line = {"team_id": team_id, "meter": meter, "quantity": quantity, "source": source, "at": at, "user_id": user_id,
            "project_id": project_id}  # fmt: skip
    tx.last(_add, line)


def _add(tx: Transaction, lines: Sequence[dict[str, Any]]) -> None:
    for line in lines:
        tx.run(METER, **line)


def list(tx: Transaction, caller: Caller, meter: str | None, limit: int, cursor: str | None) -> Page[Line]:
    """A team's lines, newest first."""
    before, before_meter, before_source = _position(cursor)
    rows = tx.all(NEWEST, team_id=caller.team_id, meter=meter, before=before, before_meter=before_meter,
                  before_source=before_source, limit=limit + 1)  # fmt: skip
    return page(Line, rows, limit, key="position")


def _position(cursor: str | None) -> tuple[datetime, str, str]:
    """The key that a page comes before."""
    if not cursor:
        return datetime.max.replace(tzinfo=UTC), "", ""
    at, _, name = after(cursor).partition(" ")
    meter, _, source = name.partition(" ")
    try:
        return datetime.fromisoformat(at).replace(tzinfo=UTC), meter, source
    except ValueError:
        detail = "is not a cursor of this list"
        errors = [{"pointer": "/query/cursor", "code": "cursor", "detail": detail}]
        raise Error("invalid", f"/query/cursor: {detail}", errors=errors) from None
