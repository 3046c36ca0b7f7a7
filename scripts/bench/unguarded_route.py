"""Read a project, whoever asks and whosever it is: the route of served_unguarded.py."""

from __future__ import annotations

from slipway import db
from slipway.capabilities import DATABASE
from slipway.db import sql
from slipway.errors import Error
from slipway.ids import ProjectId
from slipway.projects import Project
from slipway.route import route

GET = sql("select team_id, id, workspace_id, name, created_at, updated_at from projects where id = %(id)s")


@route("GET /v1/projects/{project_id}", allow="public", uses=(DATABASE,), throttle=10**9)
def get(project_id: ProjectId) -> Project:
    with db.for_platform() as tx:
        row = tx.one(GET, id=project_id)
    if row is None:
        raise Error("not_found")
    return Project.model_validate(row)
