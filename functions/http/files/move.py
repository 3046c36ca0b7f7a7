"""Give a file another path."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.files import file
from slipway.ids import ProjectId
from slipway.reply import Reply
from slipway.route import route


@route("POST /v1/projects/{project_id}/moves", allow="file:write", uses=(DATABASE, BROADCAST_QUEUE))
def move(caller: Caller, tx: Transaction, project_id: ProjectId, move: file.Move) -> Reply[file.File]:
    return file.move(tx, caller, project_id, move)
