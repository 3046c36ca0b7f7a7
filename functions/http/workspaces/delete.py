"""Delete a workspace with its projects; what runs in them is cancelled."""

from __future__ import annotations

from slipway import workspaces
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.route import route


@route(
    "DELETE /v1/workspaces/{workspace_id}",
    allow="workspace:delete",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
    timeout=29,
)
def delete(caller: Caller, tx: Transaction, workspace_id: WorkspaceId) -> None:
    workspaces.delete(tx, caller, workspace_id)
