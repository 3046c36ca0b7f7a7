"""A route with a validated body and no database: what is left is the shell around it."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.clock import now
from slipway.ids import WorkspaceId
from slipway.projects import NewProject, Project
from slipway.route import route


@route("POST /v1/echo/{workspace_id}", allow="self", status=201)
def echo(caller: Caller, workspace_id: WorkspaceId, new: NewProject) -> Project:
    user = caller.user_id
    return Project(id=user, team_id=user, workspace_id=workspace_id, name=new.name, created_at=now(), updated_at=now())
