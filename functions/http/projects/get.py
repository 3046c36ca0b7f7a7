"""Read a project."""

from __future__ import annotations

from typing import Annotated

from slipway import projects
from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import ProjectId
from slipway.reply import Reply
from slipway.route import route


@route("GET /v1/projects/{project_id}", allow="project:read", uses=(DATABASE,))
def get(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    if_none_match: Annotated[str | None, Header("If-None-Match")] = None,
) -> Reply[projects.Project]:
    return projects.get(tx, caller, project_id, if_none_match)
