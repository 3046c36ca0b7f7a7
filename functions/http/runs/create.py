"""Run a project as it is now."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE, RUNS_QUEUE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.reply import Reply
from slipway.route import route
from slipway.runs import run


@route(
    "POST /v1/projects/{project_id}/runs",
    allow="run:create",
    uses=(DATABASE, RUNS_QUEUE, BROADCAST_QUEUE),
    status=202,
    rate="run",
    idempotency="required",
)
def create(caller: Caller, tx: Transaction, project_id: ProjectId, new: run.NewRun) -> Reply[run.Run]:
    return run.create(tx, caller, project_id, new)
