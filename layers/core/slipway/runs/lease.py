"""A run is lent to a worker: until when, how often, and what becomes of it when the worker does not bring it back."""

from __future__ import annotations

from uuid import UUID

from slipway.catalogue import RUNS
from slipway.db import Transaction, sql
from slipway.runs.run import RunMessage, finish

LEASE_SECONDS = 20  # each report renews it
MAX_TRIES = 3
NEW_SECONDS = 20  # so long a queued run without a worker asks for one; later the fleet is on its way, or full

LOCK = sql(
    """select status, attempt, attempt - refusals as tries, cancel_requested_at, deadline_at < now() as late,
              lease_expires_at < now() as lapsed, created_at > now() - make_interval(secs => %(new)s) as new
         from runs where team_id = %(team_id)s and id = %(id)s for update"""
)
REQUEUE = sql(
    """update runs set status = 'queued', token_hash = null, lease_expires_at = null, started_at = null,
              refusals = refusals + %(refusals)s, deadline_at = greatest(deadline_at, now() + interval '10 minutes')
        where team_id = %(team_id)s and id = %(id)s and attempt = %(attempt)s and status in ('starting', 'running')"""
)


def give_back(
    tx: Transaction, team_id: UUID, run_id: UUID, attempt: int, reason: str, *, refused: bool = False
) -> None:
    """An attempt failed for reasons of ours: queue the run again, or end it as lost after `MAX_TRIES`.

    `refused`: the worker never took it, so it was no try. Each refusal costs a worker, so they end too.
    """
    row = tx.one(LOCK, team_id=team_id, id=run_id, new=NEW_SECONDS)
    if row is None or row["attempt"] != attempt or row["status"] not in ("starting", "running"):
        return
    if row["cancel_requested_at"]:
        finish(tx, team_id, run_id, attempt, "cancelled", f"cancelled; {reason}")
    elif row["late"] or (row["tries"] >= MAX_TRIES and not refused):
        finish(tx, team_id, run_id, attempt, "lost", f"{reason}; try {row['tries']} of {MAX_TRIES}")
    else:
        tx.run(REQUEUE, team_id=team_id, id=run_id, attempt=attempt, refusals=int(refused))
        tx.send(RUNS, RunMessage(team_id=team_id, run_id=run_id))
