"""Give a guest another role."""

from __future__ import annotations

from slipway import guests
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import UserId, WorkspaceId
from slipway.route import route


@route(
    "PATCH /v1/workspaces/{workspace_id}/guests/{user_id}",
    allow="member:update",
    uses=(DATABASE, BROADCAST_QUEUE),
)
def update(
    caller: Caller, tx: Transaction, workspace_id: WorkspaceId, user_id: UserId, change: guests.GuestChange
) -> guests.Guest:
    return guests.update(tx, caller, workspace_id, user_id, change)
