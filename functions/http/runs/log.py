"""Read a run's output from any offset."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import RunId
from slipway.route import route
from slipway.runs import run


@route("GET /v1/runs/{run_id}/log", allow="run:read", uses=(DATABASE,))
def log(caller: Caller, tx: Transaction, run_id: RunId, after: Annotated[int, Field(ge=0, lt=2**63)] = 0) -> run.Log:
    return run.log(tx, caller, run_id, after)
