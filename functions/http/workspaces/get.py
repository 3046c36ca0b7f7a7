"""Read a workspace."""

from __future__ import annotations

from typing import Annotated

from slipway import workspaces
from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.reply import Reply
from slipway.route import route


@route("GET /v1/workspaces/{workspace_id}", allow="workspace:read", uses=(DATABASE,))
def get(
    caller: Caller,
    tx: Transaction,
    workspace_id: WorkspaceId,
    if_none_match: Annotated[str | None, Header("If-None-Match")] = None,
) -> Reply[workspaces.Workspace]:
    return workspaces.get(tx, caller, workspace_id, if_none_match)
