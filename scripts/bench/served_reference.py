"""`python -m scripts.bench.served_reference <conninfo> <port> [autocommit] [workers=N]`: one project with uvicorn, FastAPI
and a pool.

The same model and the same query by its primary index, and nothing of what surrounds it in the gateway: no event, no
authorizer, no row-level security (it connects as a superuser), no request log. The pool as psycopg makes it: a
transaction around each use. With `autocommit` not even that: one round trip of a prepared statement. With `workers`
so many processes, each with its pool.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, HTTPException, Path
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from slipway.ids import ProjectId
from slipway.projects import Project

GET = "select team_id, id, workspace_id, name, created_at, updated_at from projects where id = %(id)s"
CONNECTIONS = 8


def application(conninfo: str, autocommit: bool) -> FastAPI:
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[dict[str, Any]],
        kwargs={"autocommit": autocommit, "row_factory": dict_row},
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        open=False,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/v1/projects/{project_id}")
    async def get(project_id: Annotated[ProjectId, Path()]) -> Project:
        async with pool.connection() as connection:
            cursor = await connection.execute(GET, {"id": project_id}, binary=True)
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(404)
        return Project.model_validate(row)

    return app


def served() -> FastAPI:
    """Called in every worker; each has the command line of the first process."""
    return application(sys.argv[1], "autocommit" in sys.argv)


if __name__ == "__main__":
    workers = next((int(option.partition("=")[2]) for option in sys.argv if option.startswith("workers=")), None)
    options: Any = {"loop": "uvloop", "http": "httptools", "access_log": False, "log_level": "warning"}
    application_path, port = "scripts.bench.served_reference:served", int(sys.argv[2])
    uvicorn.run(application_path, factory=True, host="127.0.0.1", port=port, workers=workers, **options)
