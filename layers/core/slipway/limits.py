"""Limits on the size of one thing (a file, a run): rows of the team's plan or its overrides, never figures in code.

Every refusal says which limit, how much is allowed, how much it would have been, when it resets (never: it bounds each
thing by itself) and what would allow it. What is counted over time is in quotas.py.
"""

from __future__ import annotations

from uuid import UUID

from slipway import plans
from slipway.db import Transaction, sql
from slipway.errors import Error

GET = sql("select meter, value from app.limits_of(%(team_id)s, %(meters)s)")


def get(tx: Transaction, team_id: UUID, *meters: str) -> dict[str, int | None]:
    """The team's values at this moment; None means unlimited, and so does a meter that its plan does not name."""
    found = {row["meter"]: row["value"] for row in tx.all(GET, team_id=team_id, meters=list(meters))}
    return {meter: found.get(meter) for meter in meters}


def check(tx: Transaction, team_id: UUID, meter: str, amount: int) -> None:
    """Refuse an amount above the limit."""
    allowed = get(tx, team_id, meter)[meter]
    if allowed is not None and amount > allowed:
        raise Error(
            "too_large",
            f"{meter} is limited to {allowed} on your plan; this would be {amount}.",
            limit=meter,
            allowed=allowed,
            used=amount,
            resets_at=None,
            plan=plans.name_of(tx, team_id),
            allowed_by=plans.offer(tx, team_id, meter, amount),
        )
