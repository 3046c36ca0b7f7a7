"""List a workspace's guests."""

from __future__ import annotations

from slipway import guests
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/workspaces/{workspace_id}/guests", allow="member:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, workspace_id: WorkspaceId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[guests.Guest]:
    return guests.list(tx, caller, workspace_id, limit, cursor)
