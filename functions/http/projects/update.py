"""Change a project."""

from __future__ import annotations

from typing import Annotated

from slipway import projects
from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.reply import Reply
from slipway.route import route


@route("PATCH /v1/projects/{project_id}", allow="project:update", uses=(DATABASE, BROADCAST_QUEUE))
def update(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    change: projects.ProjectChange,
    if_match: Annotated[str | None, Header("If-Match")] = None,
) -> Reply[projects.Project]:
    return projects.update(tx, caller, project_id, change, if_match)
