"""Delete a file; its versions stay."""

from __future__ import annotations

from typing import Annotated

from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.files import file
from slipway.ids import ProjectId
from slipway.route import route


@route(
    "DELETE /v1/projects/{project_id}/files/{path+}",
    allow="file:delete",
    uses=(DATABASE, BROADCAST_QUEUE),
    status=204,
)
def delete(
    caller: Caller,
    tx: Transaction,
    project_id: ProjectId,
    path: str,
    if_match: Annotated[str | None, Header("If-Match")] = None,
) -> None:
    file.delete(tx, caller, project_id, path, if_match)
