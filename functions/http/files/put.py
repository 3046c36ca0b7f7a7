"""Save a file's content."""

from __future__ import annotations

from typing import Annotated

from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.files import file
from slipway.ids import ProjectId
from slipway.reply import Reply
from slipway.route import route


@route("PUT /v1/projects/{project_id}/files/{path+}", allow="file:write", uses=(DATABASE, BROADCAST_QUEUE), memory=1024)
def put(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    path: str,
    content: bytes,
    if_match: Annotated[str | None, Header("If-Match")] = None,
    if_none_match: Annotated[str | None, Header("If-None-Match")] = None,
) -> Reply[file.File]:
    return file.put(tx, caller, project_id, path, content, if_match, if_none_match)
