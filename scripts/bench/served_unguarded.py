"""`python -m scripts.bench.served_unguarded <data folder>`: the gateway with one route that lets everybody read everything.

The same query through the same shell and gateway, without the authorizer, the rate limit, and row-level security: what
is left is what a read costs without them. The machine of the folder connects as a role that row-level security spares.
"""

from __future__ import annotations

from unittest.mock import patch

from slipway import db, discover, projects
from slipway.capabilities import DATABASE
from slipway.db import sql
from slipway.errors import Error
from slipway.ids import ProjectId
from slipway.projects import Project
from slipway.route import route

from stacks.local import gateway

GET = sql("select team_id, id, workspace_id, name, created_at, updated_at from projects where id = %(id)s")


@route("GET /v1/projects/{project_id}", allow="public", uses=(DATABASE,), throttle=10**9)
def get(project_id: ProjectId) -> projects.Project:
    with db.for_platform() as tx:
        row = tx.one(GET, id=project_id)
    if row is None:
        raise Error("not_found")
    return Project.model_validate(row)


if __name__ == "__main__":
    with patch.object(discover, "routes", lambda: [get]):
        gateway.main()
