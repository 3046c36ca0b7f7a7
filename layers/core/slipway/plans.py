"""Plans, which are data: what each costs and what it allows, with the time from which every figure holds.

An install sells its plans or has one of its own (the setting SLIPWAY_PLANS); it shows only those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel

from slipway import settings
from slipway.db import Row, Transaction, sql
from slipway.reply import Page

if TYPE_CHECKING:
    from typing import Any

DEFAULTS = {"unlimited": "unlimited", "tiered": "free"}  # the setting's values, and the plan that new teams get


class BadSetting(RuntimeError):
    """SLIPWAY_PLANS is none of the words that it may be."""


class Price(BaseModel):
    """`amount` in minor units of the currency (cents), for each `interval`: month or year."""

    currency: str
    amount: int
    interval: str


class PlanLimit(BaseModel):
    """`value` null is unlimited. `period`: day and month (UTC) begin again, standing is what there is at one moment, each
    bounds one thing. `hard`: it stops there; otherwise it is counted on, and told."""

    meter: str
    value: int | None
    period: str
    hard: bool


class PlanRate(BaseModel):
    """Requests of one class: `burst` at once, then `per_minute`, counted for each user, key, team or address."""

    subject: str
    request_class: str
    burst: int
    per_minute: int


class Plan(BaseModel):
    """A plan without prices is by contract, or the install's own."""

    name: str
    title: str
    prices: list[Price]
    limits: list[PlanLimit]
    rates: list[PlanRate]


LIST = sql(
    """select p.name, p.title,
              (select coalesce(jsonb_agg(jsonb_build_object('currency', c.currency, 'amount', c.amount,
                        'interval', c.interval) order by c.currency, c.interval), '[]')
                 from plan_prices c where c.plan = p.name and c.effective_from <= now()
                  and (c.effective_to is null or c.effective_to > now())) as prices,
              (select coalesce(jsonb_agg(jsonb_build_object('meter', l.meter, 'value', l.value, 'period', l.period,
                        'hard', l.hard) order by l.meter), '[]')
                 from plan_limits l where l.plan = p.name and l.effective_from <= now()
                  and (l.effective_to is null or l.effective_to > now())) as limits,
              (select coalesce(jsonb_agg(jsonb_build_object('subject', r.subject, 'request_class', r.class,
                        'burst', r.burst, 'per_minute', r.per_minute) order by r.class, r.subject), '[]')
                 from plan_rates r where r.plan = p.name) as rates
         from plans p join plans d on d.name = app.default_plan()
        where p.self_hosted = d.self_hosted order by p.rank"""
)
# Among the plans that may stand in for the team's own: those that allow so much, the cheapest first, a contract last.
OFFER = sql(
    """select p.title, c.currency, c.amount, c.interval
         from plans own join plans p on p.self_hosted = own.self_hosted and p.rank > own.rank
         join plan_limits l on l.plan = p.name and l.meter = %(meter)s and (l.value is null or l.value >= %(amount)s)
          and l.effective_from <= now() and (l.effective_to is null or l.effective_to > now())
         left join plan_prices c on c.plan = p.name and c.effective_from <= now()
          and (c.effective_to is null or c.effective_to > now())
        where own.name = app.plan_of(%(team_id)s) order by c.amount nulls last, p.rank limit 1"""
)
OF_TEAM = sql("select app.plan_of(%(team_id)s) as plan")
# As the schema's owner.
PUBLISH = sql("update platform set default_plan = %(plan)s where default_plan <> %(plan)s")


def list(tx: Transaction) -> Page[Plan]:
    """What this install offers, from the smallest; all of them at once."""
    return Page[Plan](data=[Plan.model_validate(row) for row in tx.all(LIST)], has_more=False)


def name_of(tx: Transaction, team_id: UUID) -> str:
    """The team's plan at this moment."""
    row = tx.one(OF_TEAM, team_id=team_id)
    return str(row["plan"]) if row and row["plan"] else ""


def offer(tx: Transaction, team_id: UUID, meter: str, amount: int) -> str:
    """What would allow the team this amount, in words; an operator's doing where no plan does."""
    row = tx.one(OFFER, team_id=team_id, meter=meter, amount=amount)
    if row is None:
        return f"an operator: slipway plan limit <team> {meter} {amount}"
    return f"{row['title']} ({_price(row)})"


def publish(connection: Any) -> None:
    """Write what new teams get, as SLIPWAY_PLANS says: part of a deploy, as the schema's owner. Raises BadSetting."""
    chosen = settings.get("SLIPWAY_PLANS")
    if chosen not in DEFAULTS:
        raise BadSetting(f"SLIPWAY_PLANS is {chosen!r}: choose one of {', '.join(DEFAULTS)}")
    connection.execute(PUBLISH, {"plan": DEFAULTS[chosen]})


def _price(row: Row) -> str:
    if row["amount"] is None:
        return "by contract"
    return f"{row['amount'] / 100:.2f} {row['currency']} a {row['interval']}"
