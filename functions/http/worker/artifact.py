"""A worker asks where to put a file that its run left."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import ARTIFACTS_WRITE, DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import artifacts


@route("POST /v1/worker/runs/{run_id}/artifacts", allow="run:report", uses=(ARTIFACTS_WRITE, DATABASE))
def artifact(caller: Caller, tx: Transaction, run_id: RunId, artifact: artifacts.NewArtifact) -> artifacts.Upload:
    return artifacts.upload(tx, caller, run_id, artifact)
