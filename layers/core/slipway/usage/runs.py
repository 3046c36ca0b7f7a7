"""What a run used: counted in the transaction that ends it, so exactly once, and by the figures that its quota commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway import ids
from slipway.runs import allowance
from slipway.usage.ledger import record

if TYPE_CHECKING:
    from slipway.db import Transaction
    from slipway.runs.run import Run


def ended(tx: Transaction, run: Run) -> None:
    """Count a run that has ended. What never ran and what the platform lost is not charged."""
    if run.started_at is None or run.finished_at is None or run.status in allowance.OUR_FAULT:
        return
    source, at = ids.encode("run", run.id), run.finished_at
    record(tx, run.team_id, "runs", 1, source, at, run.created_by, run.project_id)
    record(tx, run.team_id, "run_seconds", allowance.seconds(run), source, at, run.created_by, run.project_id)
