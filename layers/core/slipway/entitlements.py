"""What a team has: its plan, each limit with what is used of it, and what an operator gave it beyond the plan."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from slipway import audit, clock, ids, operators
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import TeamId
from slipway.texts import PRINTABLE, Input

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300, pattern=PRINTABLE)]
MeterName = Annotated[str, StringConstraints(pattern="^[a-z_]{1,40}$")]
MAX_VALUE = 2**53 - 1  # what every JSON reader keeps exactly


class Entitlement(BaseModel):
    """One limit. `allowed` null is unlimited; `reserved` is held by work that has not ended. `source` is plan or override,
    which ends at `until` where it does. `resets_at` is null for what does not begin again."""

    meter: str
    allowed: int | None
    used: int
    reserved: int
    period: str
    hard: bool
    resets_at: datetime | None
    source: str
    until: datetime | None


class TeamPlan(BaseModel):
    """`since` when the team has this plan; `until` where it is lent for a time."""

    team_id: TeamId
    plan: str
    title: str
    since: datetime | None
    until: datetime | None
    limits: list[Entitlement]


class NewPlan(Input):
    """`effective_from` absent, or in the past, means now."""

    plan: MeterName
    reason: Reason
    effective_from: AwareDatetime | None = None


class NewLimit(Input):
    """`value` null is unlimited."""

    value: Annotated[int, Field(ge=0, le=MAX_VALUE)] | None
    reason: Reason
    until: AwareDatetime | None = None


PLAN = sql(
    """select p.name as plan, p.title, h.effective_from as since, h.effective_to as until
         from plans p left join lateral (
           select x.effective_from, x.effective_to from team_plans x
            where x.team_id = %(team_id)s and x.plan = p.name and x.effective_from <= now()
              and (x.effective_to is null or x.effective_to > now())
            order by x.effective_from desc limit 1) h on true
        where p.name = app.plan_of(%(team_id)s)"""
)
LIMITS = sql(
    """select l.meter, l.value as allowed, coalesce(u.used, 0) as used, coalesce(u.reserved, 0) as reserved, l.period, l.hard,
              app.period_end(l.period) as resets_at, l.source, l.until
         from app.limits_of(%(team_id)s, null) l
         left join quota_usage u on u.team_id = %(team_id)s and u.meter = l.meter
          and u.period_start = app.period_start(l.period)
        order by l.meter"""
)
SET_PLAN = sql("select app.operator_set_plan(%(team_id)s, %(plan)s, %(starts)s, %(reason)s) as found")
SET_LIMIT = sql("select app.operator_set_limit(%(team_id)s, %(meter)s, %(value)s, %(until)s, %(reason)s) as found")
CLEAR_LIMIT = sql("select app.operator_clear_limit(%(team_id)s, %(meter)s)")


def get(tx: Transaction, team_id: UUID) -> TeamPlan:
    row = tx.one(PLAN, team_id=team_id)
    if row is None:
        raise Error("not_found")
    limits = tx.all(LIMITS, team_id=team_id)
    return TeamPlan(team_id=team_id, **row, limits=[Entitlement.model_validate(limit) for limit in limits])


def set_plan(tx: Transaction, caller: Caller, team_id: UUID, new: NewPlan) -> TeamPlan:
    """An operator gives a team another plan, now or from a moment on."""
    before = _operated(tx, team_id).plan
    row = tx.one(SET_PLAN, team_id=team_id, plan=new.plan, starts=new.effective_from, reason=new.reason)
    if not (row and row["found"]):
        raise _unknown("plan", "there is no such plan: GET /v1/plans lists those that are offered")
    starts = new.effective_from.isoformat() if new.effective_from else None
    after = {"plan": new.plan, "reason": new.reason, "effective_from": starts}
    audit.record(tx, caller, "plan.set", ids.encode("team", team_id), {"plan": before}, after, team_id=team_id)
    return get(tx, team_id)


def set_limit(tx: Transaction, caller: Caller, team_id: UUID, meter: str, new: NewLimit) -> TeamPlan:
    """An operator gives a team another figure than its plan's, in place of one that was given before."""
    before = _limit(_operated(tx, team_id), meter)
    if new.until is not None and new.until <= clock.now():
        raise _unknown("until", "must be in the future")
    row = tx.one(SET_LIMIT, team_id=team_id, meter=meter, value=new.value, until=new.until, reason=new.reason)
    if not (row and row["found"]):
        raise Error("not_found", f"No plan knows the meter {meter}.")
    until = new.until.isoformat() if new.until else None
    after = {"meter": meter, "value": new.value, "until": until, "reason": new.reason}
    audit.record(tx, caller, "limit.set", ids.encode("team", team_id), before, after, team_id=team_id)
    return get(tx, team_id)


def clear_limit(tx: Transaction, caller: Caller, team_id: UUID, meter: str) -> None:
    """Back to the plan's figure; clearing what is not there is no error."""
    before = _limit(_operated(tx, team_id), meter)
    tx.run(CLEAR_LIMIT, team_id=team_id, meter=meter)
    audit.record(tx, caller, "limit.cleared", ids.encode("team", team_id), before, {"meter": meter}, team_id=team_id)


def _operated(tx: Transaction, team_id: UUID) -> TeamPlan:
    operators.enter(tx, team_id)
    return get(tx, team_id)


def _limit(found: TeamPlan, meter: str) -> dict[str, int | str | None]:
    now = next((limit for limit in found.limits if limit.meter == meter), None)
    return {"meter": meter, "value": now.allowed if now else None}


def _unknown(field: str, detail: str) -> Error:
    errors = [{"pointer": f"/body/{field}", "code": field, "detail": detail}]
    return Error("invalid", f"/body/{field}: {detail}", errors=errors)
