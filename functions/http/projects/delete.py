"""Delete a project with its files and runs."""

from __future__ import annotations

from slipway import projects
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.route import route


@route("DELETE /v1/projects/{project_id}", allow="project:delete", uses=(DATABASE, BROADCAST_QUEUE), status=204)
def delete(caller: Caller, tx: Transaction, project_id: ProjectId) -> None:
    projects.delete(tx, caller, project_id)
