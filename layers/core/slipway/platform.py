"""What the one who runs the platform does from outside of any request: name operators, set a team's plan and limits.

For the commands on one machine (`slipway operator`, `slipway plan`) and the deploy, as the schema's owner: the functions
that these statements call are granted to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from slipway import audit, db, entitlements, ids, log
from slipway.caller import NOBODY
from slipway.capabilities import MIGRATIONS, use
from slipway.db import sql
from slipway.texts import Email

if TYPE_CHECKING:
    import psycopg

SET_OPERATOR = sql("select app.set_operator(%(email)s, %(operator)s)")
OPERATORS = sql("select email, name from app.operators()")
SET_PLAN = sql("select app.set_plan(%(team_id)s, %(plan)s, %(starts)s, %(reason)s, null)")
SET_LIMIT = sql("select app.set_limit(%(team_id)s, %(meter)s, %(value)s, %(until)s, %(reason)s, null)")


class Unknown(LookupError):
    """There is no such person, team, plan or meter; the message is for the one who asked."""


class Naming(BaseModel):
    """The detail of the event that makes somebody an operator, or no longer."""

    email: Email
    operator: bool


class Operator(NamedTuple):
    email: str
    name: str


def name_operator(naming: Naming) -> None:
    """Raises Unknown when nobody has registered with the address."""
    with _owner() as connection:
        if not _said(connection, SET_OPERATOR, email=naming.email, operator=naming.operator):
            raise Unknown("nobody has registered with this address: register first, then name them")
    log.info("operator_named", operator=naming.operator)


def operators() -> Sequence[Operator]:
    with _owner() as connection:
        return [Operator(*row) for row in connection.execute(OPERATORS.encode()).fetchall()]


def set_plan(team_id: UUID, plan: str, reason: str, starts: datetime | None = None) -> None:
    """Give a team another plan, now or from a moment on. Raises Unknown."""
    with _owner() as connection:
        if not _said(connection, SET_PLAN, team_id=team_id, plan=plan, starts=starts, reason=reason):
            raise Unknown("there is no such team, or no such plan")
    _record(team_id, "plan.set", {"plan": plan, "reason": reason})


def set_limit(team_id: UUID, meter: str, value: int | None, reason: str, until: datetime | None = None) -> None:
    """Give a team another figure than its plan's; None is unlimited. Raises Unknown."""
    with _owner() as connection:
        if not _said(connection, SET_LIMIT, team_id=team_id, meter=meter, value=value, until=until, reason=reason):
            raise Unknown("there is no such team, or no plan knows this meter")
    _record(team_id, "limit.set", {"meter": meter, "value": value, "reason": reason})


def show(team_id: UUID) -> entitlements.TeamPlan:
    """Raises not_found."""
    with db.for_team(team_id) as tx:
        return entitlements.get(tx, team_id)


def _record(team_id: UUID, action: str, after: dict[str, Any]) -> None:
    """In the team's audit log; a crash before it leaves the change in the history of plans and overrides alone."""
    with db.for_team(team_id) as tx:
        audit.record(tx, NOBODY, action, ids.encode("team", team_id), None, after, team_id=team_id)


@contextmanager
def _owner() -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    with psycopg.connect(use(MIGRATIONS).conninfo(), autocommit=True) as connection:
        yield connection


def _said(connection: psycopg.Connection[Any], statement: db.Statement, **parameters: Any) -> bool:
    row = connection.execute(statement.encode(), parameters).fetchone()
    return bool(row and row[0])
