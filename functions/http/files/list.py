"""List a project's files by path."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.files import file
from slipway.ids import ProjectId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/projects/{project_id}/files", allow="file:read", uses=(DATABASE,))
def list(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    prefix: Annotated[str, Field(max_length=600)] = "",
    limit: Limit = 100,
    cursor: Cursor | None = None,
) -> Page[file.File]:
    return file.list(tx, caller, project_id, prefix, limit, cursor)
