"""Quotas: how much of a meter a team may use in a period, and how much it has.

Work of unknown size reserves what it may use at most, and commits what it used when it has ended:

    quotas.reserve(tx, team_id, str(run_id), {"run_seconds": 60}, lease_seconds=86_400)
    quotas.commit(tx, team_id, str(run_id), {"run_seconds": 7})

What is never committed comes back when its lease ends, with the team's next reservation or within a minute. Both are
statements of the work's own transaction: work that is rolled back has reserved nothing. One statement decides, on a row
whose lock makes parallel requests take turns: take it as late as the work allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

from slipway import db
from slipway.db import Row, Transaction, sql
from slipway.errors import Error

RESERVE = sql("select * from app.reserve(%(team_id)s, %(source)s, %(meters)s, %(amounts)s, %(seconds)s)")
SETTLE = sql("select app.settle(%(team_id)s, %(source)s, %(meters)s, %(amounts)s)")
COUNT = sql("select * from app.count_quota(%(team_id)s, %(meter)s, %(amount)s)")
OVER = sql("select * from app.over_quota(%(team_id)s, %(meter)s)")
GIVE_BACK = sql("select app.give_back_overdue(%(limit)s) as given")


def reserve(tx: Transaction, team_id: UUID, source: str, amounts: Mapping[str, int], *, lease_seconds: int) -> None:
    """Hold these amounts of these meters for a piece of work, or none of them. Reserving for the same `source` (a run's
    id) again changes nothing.

    Raises quota_exceeded where a period's quota is used up, limit_reached where too much is at work at this moment.
    """
    row = tx.one(
        RESERVE,
        team_id=team_id,
        source=source,
        meters=list(amounts),
        amounts=list(amounts.values()),
        seconds=lease_seconds,
    )
    if row:
        _refuse(tx, team_id, row, waiting=row["period"] == "standing")


def commit(tx: Transaction, team_id: UUID, source: str, actual: Mapping[str, int]) -> None:
    """The work has ended: count what it really used, give back the rest; meters that are not named used nothing.

    Twice is once. A hard limit's reservation is all that is ever counted; a soft one's may be exceeded.
    """
    tx.run(SETTLE, team_id=team_id, source=source, meters=list(actual), amounts=list(actual.values()))


def release(tx: Transaction, team_id: UUID, source: str) -> None:
    """The work used nothing."""
    commit(tx, team_id, source, {})


def count(tx: Transaction, team_id: UUID, meter: str, amount: int) -> None:
    """Count an amount that is used at once, or (negative) is used no more. Raises quota_exceeded."""
    row = tx.one(COUNT, team_id=team_id, meter=meter, amount=amount)
    if row:
        _refuse(tx, team_id, row)


def check_standing(tx: Transaction, team_id: UUID, meter: str) -> None:
    """After the insert: raises quota_exceeded when that row was one too many. For `projects`, `seats` and `api_keys`,
    which triggers count; the count is this transaction's until it ends, so two who insert at once cannot both pass."""
    row = tx.one(OVER, team_id=team_id, meter=meter)
    if row:
        _refuse(tx, team_id, row)


def give_back(limit: int = 1000) -> int:
    """Free what was reserved by work that died, of all teams; returns how many reservations that were."""
    with db.for_platform() as tx:
        row = tx.one(GIVE_BACK, limit=limit)
    return int(row["given"]) if row else 0


def _refuse(tx: Transaction, team_id: UUID, row: Row, *, waiting: bool = False) -> NoReturn:
    """`row`: the meter, its limit, what is used and reserved, what was asked for."""
    meter, allowed, used, resets_at = row["meter"], row["value"], row["used"], row["resets_at"]
    from slipway import plans  # models that only a refusal needs

    offer = plans.offer(tx, team_id, meter, used + row["amount"])
    until = f", until {resets_at:%Y-%m-%dT%H:%M:%SZ}" if resets_at else ""
    raise Error(
        "limit_reached" if waiting else "quota_exceeded",
        f"{used} of {allowed} {meter} are used{until}; this needs {row['amount']} more.",
        limit=meter,
        allowed=allowed,
        used=used,
        resets_at=f"{resets_at:%Y-%m-%dT%H:%M:%SZ}" if resets_at else None,
        plan=plans.name_of(tx, team_id),
        allowed_by=f"waiting until one ends, or {offer}" if waiting else offer,
    )
