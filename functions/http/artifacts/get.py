"""Get a link to a file that a run left."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import ARTIFACTS_READ, DATABASE
from slipway.db import Transaction
from slipway.ids import ArtifactId, RunId
from slipway.route import route
from slipway.runs import artifacts


@route("GET /v1/runs/{run_id}/artifacts/{artifact_id}", allow="run:read", uses=(DATABASE, ARTIFACTS_READ))
def get(caller: Caller, tx: Transaction, run_id: RunId, artifact_id: ArtifactId) -> artifacts.Artifact:
    return artifacts.download(tx, caller, run_id, artifact_id)
