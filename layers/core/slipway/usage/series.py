"""What a team used, over time and in the current period beside what its plan allows: read from the ledger's sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from slipway import clock
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.ids import ProjectId, UserId
from slipway.usage.meters import METERS, MeterName
from slipway.usage.span import Span, refusal, span

Interval = Literal["hour", "day", "month"]
By = Literal["member", "project"]
MOST_POINTS = 10_000
USUAL = {"hour": timedelta(days=2), "day": timedelta(days=30), "month": timedelta(days=365)}
LONGEST = {"hour": timedelta(days=31), "day": timedelta(days=400), "month": timedelta(days=3700)}


class Point(BaseModel):
    """What was used in the interval that begins `at` (UTC). `user_id` and `project_id` only where they were asked for."""

    at: datetime
    meter: str
    quantity: int
    user_id: UserId | None
    project_id: ProjectId | None


class Total(BaseModel):
    """The current period: a day, a calendar month (UTC), or `standing`, which is what is kept now. None: no limit."""

    meter: str
    unit: str
    period: str
    used: int
    allowed: int | None
    period_start: datetime | None
    resets_at: datetime | None


class Notice(BaseModel):
    """That the team came near a limit; its owners got a letter."""

    meter: str
    percent: int
    used: int
    allowed: int
    period_start: datetime
    sent_at: datetime


class Usage(BaseModel):
    """`data` in the order of time, without the intervals in which nothing was used."""

    since: datetime
    until: datetime
    interval: Interval
    by: By | None
    data: list[Point]
    totals: list[Total]
    notices: list[Notice]


NOBODY = UUID(int=0)
HOURS = sql(
    """select hour as at, meter, sum(quantity)::bigint as quantity,
              nullif(case when %(by)s::text = 'member' then user_id end, %(nobody)s) as user_id,
              nullif(case when %(by)s::text = 'project' then project_id end, %(nobody)s) as project_id
         from usage_hours
        where team_id = %(team_id)s and (%(meter)s::text is null or meter = %(meter)s) and quantity > 0
          and hour >= date_trunc('hour', %(since)s::timestamptz, 'UTC') and hour < %(until)s
        group by 1, 2, 4, 5 order by 1, 2, 4, 5 limit %(limit)s"""
)
DAYS = sql(
    """select case when %(monthly)s then date_trunc('month', day::timestamp) else day::timestamp end at time zone 'UTC' as at,
              meter, sum(quantity)::bigint as quantity,
              nullif(case when %(by)s::text = 'member' then user_id end, %(nobody)s) as user_id,
              nullif(case when %(by)s::text = 'project' then project_id end, %(nobody)s) as project_id
         from usage_days
        where team_id = %(team_id)s and (%(meter)s::text is null or meter = %(meter)s) and quantity > 0
          and day >= case when %(monthly)s then date_trunc('month', %(since)s::timestamptz at time zone 'UTC')
                          else date_trunc('day', %(since)s::timestamptz at time zone 'UTC') end
          and day < %(until)s::timestamptz at time zone 'UTC'
        group by 1, 2, 4, 5 order by 1, 2, 4, 5 limit %(limit)s"""
)
# Of a meter that the plan does not count by day or month, the month's use.
TOTALS = sql(
    """with asked as (
         select * from unnest(%(meters)s::text[], %(limits)s::text[]) as a (meter, limited_by)
       ), framed as (
         select a.meter, l.value as allowed, case when l.period in ('day', 'month') then l.period else 'month' end as period
           from asked a left join app.limits_of(%(team_id)s, array(select limited_by from asked where limited_by <> '')) l
                on l.meter = a.limited_by
       )
       select f.meter, f.period, f.allowed, app.period_start(f.period)::timestamp at time zone 'UTC' as period_start,
              app.period_end(f.period) as resets_at,
              coalesce((select sum(d.quantity) from usage_days d where d.team_id = %(team_id)s and d.meter = f.meter
                           and d.day >= app.period_start(f.period)), 0)::bigint as used
         from framed f
       union all
       select l.meter, 'standing', l.value, null, null, coalesce((select q.used from quota_usage q where q.team_id = %(team_id)s
                and q.meter = 'storage_bytes' and q.period_start = app.period_start('standing')), 0)
         from app.limits_of(%(team_id)s, array['storage_bytes']) l"""
)
NOTICES = sql(
    """select meter, percent, used, allowed, period_start, sent_at from usage_notices
        where team_id = %(team_id)s and period_start >= %(since)s order by sent_at, meter, percent"""
)


def read(
    tx: Transaction,
    caller: Caller,
    meter: MeterName | None,
    since: datetime | None,
    until: datetime | None,
    interval: Interval,
    by: By | None,
) -> Usage:
    asked = span(since, until, USUAL[interval], LONGEST[interval])
    rows = _points(tx, caller.team_id, meter, asked, interval, by)
    if len(rows) > MOST_POINTS:
        raise refusal("since", f"gives more than {MOST_POINTS} points: ask for one meter, or for less time")
    month = clock.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Usage(
        since=asked.since,
        until=asked.until,
        interval=interval,
        by=by,
        data=[Point.model_validate(row) for row in rows],
        totals=_totals(tx, caller.team_id),
        notices=[Notice.model_validate(row) for row in tx.all(NOTICES, team_id=caller.team_id, since=month)],
    )


def _points(
    tx: Transaction, team_id: UUID, meter: MeterName | None, asked: Span, interval: Interval, by: By | None
) -> list[Row]:
    common = {
        "team_id": team_id,
        "meter": meter,
        "since": asked.since,
        "until": asked.until,
        "by": by,
        "nobody": NOBODY,
    }
    if interval == "hour":
        return tx.all(HOURS, **common, limit=MOST_POINTS + 1)
    return tx.all(DAYS, **common, monthly=interval == "month", limit=MOST_POINTS + 1)


def _totals(tx: Transaction, team_id: UUID) -> list[Total]:
    meters, limits = [*METERS], [meter.limit for meter in METERS.values()]
    rows = tx.all(TOTALS, team_id=team_id, meters=meters, limits=limits)
    return [Total(unit=METERS[row["meter"]].unit if row["meter"] in METERS else "bytes", **row) for row in rows]
