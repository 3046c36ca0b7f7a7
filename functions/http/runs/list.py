"""List a project's runs, newest first."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route
from slipway.runs import run


@route("GET /v1/projects/{project_id}/runs", allow="run:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, project_id: ProjectId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[run.Run]:
    return run.list(tx, caller, project_id, limit, cursor)
