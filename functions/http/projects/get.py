"""Read a project."""

from __future__ import annotations

from slipway import projects
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.route import route


@route("GET /v1/projects/{project_id}", allow="project:read", uses=(DATABASE,))
def get(caller: Caller, tx: Transaction, project_id: ProjectId) -> projects.Project:
    return projects.get(tx, caller, project_id)
