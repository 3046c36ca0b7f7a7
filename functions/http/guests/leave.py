"""Leave a workspace that one is a guest of."""

from __future__ import annotations

from slipway import guests
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.route import route


@route(
    "POST /v1/workspaces/{workspace_id}/leave",
    allow="workspace:read",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
)
def leave(caller: Caller, tx: Transaction, workspace_id: WorkspaceId) -> None:
    guests.leave(tx, caller, workspace_id)
