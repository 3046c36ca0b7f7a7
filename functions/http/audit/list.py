"""List a team's audit events, newest first."""

from __future__ import annotations

from pydantic import AwareDatetime
from slipway import audit_log
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId, UserId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams/{team_id}/audit", allow="audit:read", uses=(DATABASE,))
def list(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    action: audit_log.Text = "",
    user_id: UserId | None = None,
    target: audit_log.Text | None = None,
    q: audit_log.Text = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> Page[audit_log.AuditEvent]:
    return audit_log.list(tx, caller, audit_log.Filter(action, user_id, target, q, since, until), limit, cursor)
