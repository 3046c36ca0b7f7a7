"""Change a workspace."""

from __future__ import annotations

from typing import Annotated

from slipway import workspaces
from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.reply import Reply
from slipway.route import route


@route("PATCH /v1/workspaces/{workspace_id}", allow="workspace:update", uses=(DATABASE, BROADCAST_QUEUE))
def update(
    caller: Caller,
    tx: Transaction,
    workspace_id: WorkspaceId,
    change: workspaces.WorkspaceChange,
    if_match: Annotated[str | None, Header("If-Match")] = None,
) -> Reply[workspaces.Workspace]:
    return workspaces.update(tx, caller, workspace_id, change, if_match)
