"""What a run takes of its team's quotas: a slot while it is open, one of the day's runs, the seconds that it runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from uuid import UUID

from slipway import quotas
from slipway.db import Transaction

if TYPE_CHECKING:
    from slipway.runs.run import Run

UNBOUNDED_SECONDS = 3600  # what a run without a wall limit is given
# Every run has ended long before, by its deadline: this is for slots that a lost database or a bug would keep.
LEASE_SECONDS = 24 * 3600
OUR_FAULT = ("never_started", "lost")


def take(tx: Transaction, team_id: UUID, run_id: UUID, wall_seconds: int | None) -> None:
    """Reserve all that the run may use. Raises limit_reached (no slot is free) or quota_exceeded."""
    seconds = UNBOUNDED_SECONDS if wall_seconds is None else wall_seconds
    amounts = {"runs_concurrent": 1, "runs_per_day": 1, "run_seconds": seconds}
    quotas.reserve(tx, team_id, str(run_id), amounts, lease_seconds=LEASE_SECONDS)


def settle(tx: Transaction, run: Run) -> None:
    """Commit what the run used, in the transaction that ends it. One that never ran, or that we lost, was none."""
    if run.started_at is None or run.status in OUR_FAULT:
        quotas.release(tx, run.team_id, str(run.id))
    else:
        quotas.commit(tx, run.team_id, str(run.id), {"runs_per_day": 1, "run_seconds": seconds(run)})


def seconds(run: Run) -> int:
    """Each begun second that the program ran; where no worker measured it, the time from its start to its end."""
    if run.result is not None and run.result.wall_ms:
        return math.ceil(run.result.wall_ms / 1000)
    if run.started_at is None or run.finished_at is None:
        return 0
    return math.ceil((run.finished_at - run.started_at).total_seconds())
