"""Remove a guest from a workspace."""

from __future__ import annotations

from slipway import guests
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import UserId, WorkspaceId
from slipway.route import route


@route(
    "DELETE /v1/workspaces/{workspace_id}/guests/{user_id}",
    allow="member:remove",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
)
def remove(caller: Caller, tx: Transaction, workspace_id: WorkspaceId, user_id: UserId) -> None:
    guests.remove(tx, caller, workspace_id, user_id)
