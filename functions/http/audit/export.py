"""Export a team's audit events, oldest first.

One JSON object a line, with what is needed to verify it without this service (docs/audit.md). Where the answer has the
header `x-next-after`, ask again with it as `after` for the rest.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field
from slipway import audit_log
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId, UserId
from slipway.reply import Content
from slipway.route import route


@route("GET /v1/teams/{team_id}/audit.ndjson", allow="audit:export", uses=(DATABASE,), memory=1024, timeout=29)
def export(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    action: audit_log.Text = "",
    user_id: UserId | None = None,
    target: audit_log.Text | None = None,
    q: audit_log.Text = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0,
) -> Content:
    return audit_log.export(tx, caller, audit_log.Filter(action, user_id, target, q, since, until), after)
