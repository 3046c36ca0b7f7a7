"""Every minute: no run stays open past its lease or its deadline, whoever died and whatever was lost."""

from __future__ import annotations

from uuid import UUID

from slipway import db, log
from slipway.catalogue import RUNS
from slipway.db import sql
from slipway.runs.lease import LOCK, NEW_SECONDS, give_back
from slipway.runs.run import RunMessage, finish

WAITING_SECONDS = 30  # a queued run's message may have been lost: send another
OVERDUE = sql("select team_id, id from app.overdue_runs(make_interval(secs => %(waiting)s), 500)")


def all() -> int:
    """Look after every overdue run, each in a transaction of its own; returns how many there were."""
    with db.for_platform() as tx:
        overdue = tx.all(OVERDUE, waiting=WAITING_SECONDS)
    for row in overdue:
        try:
            one(row["team_id"], row["id"])
        except Exception:
            log.exception("reconcile_failed", run=str(row["id"]))
    return len(overdue)


def one(team_id: UUID, run_id: UUID) -> None:
    with db.for_team(team_id) as tx:
        run = tx.one(LOCK, team_id=team_id, id=run_id, new=NEW_SECONDS)
        if run is None:
            return
        if run["status"] != "queued":
            if run["late"] or run["lapsed"]:  # a report may have come since it was found
                reason = "it did not end before its deadline" if run["late"] else "no report within its lease"
                give_back(tx, team_id, run_id, run["attempt"], reason)
        elif run["cancel_requested_at"]:
            finish(tx, team_id, run_id, run["attempt"], "cancelled", "cancelled before it started")
        elif run["late"]:
            finish(tx, team_id, run_id, run["attempt"], "never_started", "no worker took it before its deadline")
        else:
            tx.send(RUNS, RunMessage(team_id=team_id, run_id=run_id))
