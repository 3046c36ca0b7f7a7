"""List a workspace's projects."""

from __future__ import annotations

from slipway import projects
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/workspaces/{workspace_id}/projects", allow="project:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, workspace_id: WorkspaceId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[projects.Project]:
    return projects.list(tx, caller, workspace_id, limit, cursor)
