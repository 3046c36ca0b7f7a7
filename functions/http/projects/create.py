"""Create a project in a workspace."""

from __future__ import annotations

from slipway import projects
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import WorkspaceId
from slipway.route import route


@route(
    "POST /v1/workspaces/{workspace_id}/projects",
    allow="project:create",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=201,
)
def create(caller: Caller, tx: Transaction, workspace_id: WorkspaceId, new: projects.NewProject) -> projects.Project:
    return projects.create(tx, caller, workspace_id, new)
