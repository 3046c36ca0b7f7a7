"""Limits are rows of the team's plan, never numbers in code. A refusal says which limit, how much, and what would allow it."""

from __future__ import annotations

from uuid import UUID

from slipway.db import Transaction, sql
from slipway.errors import Error

GET = sql(
    """select l.meter, l.value from teams t join plan_limits l on l.plan = t.plan
        where t.id = %(team_id)s and l.meter = any(%(meters)s)"""
)
RESERVE = sql(
    """insert into quotas as q (team_id, meter, used)
       select %(team_id)s, %(meter)s, 1 where %(limit)s::bigint is null or %(limit)s::bigint >= 1
       on conflict (team_id, meter) do update set used = q.used + 1
        where %(limit)s::bigint is null or q.used < %(limit)s::bigint
       returning used"""
)
RELEASE = sql(
    "update quotas set used = used - %(count)s where team_id = %(team_id)s and meter = %(meter)s and used >= %(count)s"
)
USED = sql("select used from quotas where team_id = %(team_id)s and meter = %(meter)s")


def get(tx: Transaction, team_id: UUID, *meters: str) -> dict[str, int | None]:
    """The plan's values; None means unlimited, and so does a meter that the plan does not name."""
    found = {row["meter"]: row["value"] for row in tx.all(GET, team_id=team_id, meters=list(meters))}
    return {meter: found.get(meter) for meter in meters}


def check(tx: Transaction, team_id: UUID, meter: str, amount: int) -> None:
    """Refuse an amount above the plan's limit."""
    limit = get(tx, team_id, meter)[meter]
    if limit is not None and amount > limit:
        detail = f"{meter} is limited to {limit} on your plan; this would be {amount}."
        raise Error(
            "too_large", detail, limit=meter, allowed=limit, used=amount, allowed_by="a plan with a higher limit"
        )


def reserve(tx: Transaction, team_id: UUID, meter: str) -> None:
    """Take one of a counted limit, in one statement: parallel requests cannot overrun it. Rolled back with the request."""
    limit = get(tx, team_id, meter)[meter]
    if tx.one(RESERVE, team_id=team_id, meter=meter, limit=limit) is None:
        used = (tx.one(USED, team_id=team_id, meter=meter) or {"used": 0})["used"]
        detail = f"{used} of {limit} {meter} are in use."
        allowed_by = "waiting until one ends, or a plan with a higher limit"
        raise Error(
            "limit_reached", detail, limit=meter, allowed=limit, used=used, resets_at=None, allowed_by=allowed_by
        )


def release(tx: Transaction, team_id: UUID, meter: str, count: int = 1) -> None:
    """Give back, in the transaction that ends what had reserved it."""
    tx.run(RELEASE, team_id=team_id, meter=meter, count=count)
