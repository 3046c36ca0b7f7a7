"""Change a project."""

from __future__ import annotations

from slipway import projects
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.route import route


@route("PATCH /v1/projects/{project_id}", allow="project:update", uses=(DATABASE,))
def update(caller: Caller, tx: Transaction, project_id: ProjectId, change: projects.ProjectChange) -> projects.Project:
    return projects.update(tx, caller, project_id, change)
