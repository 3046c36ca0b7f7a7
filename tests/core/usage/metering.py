"""What the tests of metering share: lines put into the ledger as the platform's functions do, and sums as they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from slipway import db
from slipway.usage import ledger
from slipway.usage.meters import MeterName


def use(
    team_id: UUID,
    meter: MeterName,
    quantity: int,
    source: str,
    at: datetime,
    user: UUID | None = None,
    project: UUID | None = None,
) -> None:
    """A line in a transaction of its own."""
    with db.for_team(team_id) as tx:
        ledger.record(tx, team_id, meter, quantity, source, at, user, project)


def lines(everything: psycopg.Connection, *columns: str) -> list[tuple[Any, ...]]:
    return everything.execute(
        f"select {', '.join(columns)} from usage_events order by at, meter, source".encode()
    ).fetchall()


def sums(everything: psycopg.Connection, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of usage_hours or usage_days, by columns of one's choice."""
    return everything.execute(
        f"select {', '.join(columns)} from {table} order by {', '.join(columns)}".encode()
    ).fetchall()
