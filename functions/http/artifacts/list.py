"""List the files that a run left."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.reply import Page
from slipway.route import route
from slipway.runs import artifacts


@route("GET /v1/runs/{run_id}/artifacts", allow="run:read", uses=(DATABASE,))
def list(caller: Caller, tx: Transaction, run_id: RunId) -> Page[artifacts.Artifact]:
    return artifacts.list(tx, caller, run_id)
