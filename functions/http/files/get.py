"""Read a file's content."""

from __future__ import annotations

from typing import Annotated

from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.files import file
from slipway.ids import ProjectId
from slipway.reply import Content
from slipway.route import route


@route("GET /v1/projects/{project_id}/files/{path+}", allow="file:read", uses=(DATABASE,), memory=1024)
def get(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    path: str,
    if_none_match: Annotated[str | None, Header("If-None-Match")] = None,
) -> Content:
    return file.get(tx, caller, project_id, path, if_none_match)
