"""Telling a team that it comes near a limit, and its operators when it has passed twice of it.

Once in a period for each step: the notice's row and the letters are one commit. Told by the clock and not by the request that
passes the step, which has enough to do and must not need the right to send letters. A room hears nothing of it, because
guests listen there; the usage page reads the same rows.
"""

from __future__ import annotations

from uuid import UUID

from slipway import db, ids, log, mail, metrics
from slipway.db import Row, Transaction, sql
from slipway.letters.team_over_plan import team_over_plan
from slipway.letters.usage_notice import usage_notice

TWICE = 200
MOST = 500  # of one start; the rest waits for the next minute
UNITS = {"run_seconds": "seconds", "agent_minutes": "minutes", "ai_tokens": "tokens", "preview_minutes": "minutes"}
UNITS |= {"runs_per_day": "runs"}
CROSSINGS = sql("select * from app.usage_crossings(%(limit)s)")
KEEP = sql(
    """insert into usage_notices (team_id, meter, period_start, percent, used, allowed)
       values (%(team_id)s, %(meter)s, %(period_start)s, %(percent)s, %(used)s, %(allowed)s) on conflict do nothing"""
)
TEAM = sql("select name from teams where id = %(team_id)s")
PEOPLE = sql("select email from app.billing_people(%(team_id)s)")
OPERATORS = sql("select email from app.operator_addresses()")


def send() -> int:
    """Tell of every step that was passed since the last time; how many those were."""
    with db.for_platform() as tx:
        crossings = tx.all(CROSSINGS, limit=MOST)
    told = 0
    for crossing in crossings:
        try:
            told += _tell(crossing)
        except Exception:
            log.exception("notice_failed", team=str(crossing["team_id"]), meter=crossing["meter"])
    return told


def _tell(crossing: Row) -> bool:
    """False where somebody else has just told it, or the team is gone."""
    team_id: UUID = crossing["team_id"]
    with db.for_team(team_id) as tx:
        team = tx.one(TEAM, team_id=team_id)
        kept = {key: crossing[key] for key in ("team_id", "meter", "period_start", "percent", "used", "allowed")}
        if team is None or tx.run(KEEP, **kept) == 0:
            return False
        _write_to_the_team(tx, crossing, team["name"])
        if crossing["percent"] == TWICE:
            _write_to_operators(tx, crossing, team["name"])
    if crossing["percent"] == TWICE:
        about = {"team": ids.encode("team", team_id), "meter": crossing["meter"]}
        log.warning("team_over_twice_its_plan", **about, used=crossing["used"], allowed=crossing["allowed"])
        metrics.count(metrics.TEAM_OVER_TWICE_ITS_PLAN, **about)
    return True


def _write_to_the_team(tx: Transaction, crossing: Row, team: str) -> None:
    meter, used, allowed = _words(crossing)
    percent = crossing["used"] * 100 // crossing["allowed"]
    subject, text = usage_notice(team, meter, percent, used, allowed, crossing["resets_at"], hard=crossing["hard"])
    for person in tx.all(PEOPLE, team_id=crossing["team_id"]):
        mail.post(tx, kind="usage_notice", to=person["email"], subject=subject, text=text)


def _write_to_operators(tx: Transaction, crossing: Row, team: str) -> None:
    subject, text = team_over_plan(team, ids.encode("team", crossing["team_id"]), *_words(crossing))
    for operator in tx.all(OPERATORS):
        mail.post(tx, kind="team_over_plan", to=operator["email"], subject=subject, text=text)


def _words(crossing: Row) -> tuple[str, str, str]:
    """The meter's name and two amounts, for people."""
    meter: str = crossing["meter"]
    return meter.replace("_", " "), amount(meter, crossing["used"]), amount(meter, crossing["allowed"])


def amount(meter: str, quantity: int) -> str:
    """`412 minutes`, `1.5 GiB`."""
    if not meter.endswith("_bytes"):
        return f"{quantity:,} {UNITS.get(meter, '')}".strip()
    if quantity < 1024:
        return f"{quantity:,} bytes"
    size = float(quantity)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 1024 or unit == "TiB":
            break
    return f"{size:,.1f}".removesuffix(".0") + f" {unit}"
