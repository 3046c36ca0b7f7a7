"""Create a workspace in a team."""

from __future__ import annotations

from slipway import workspaces
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("POST /v1/teams/{team_id}/workspaces", allow="workspace:create", uses=(DATABASE,), status=201)
def create(caller: Caller, tx: Transaction, team_id: TeamId, new: workspaces.NewWorkspace) -> workspaces.Workspace:
    return workspaces.create(tx, caller, new)
