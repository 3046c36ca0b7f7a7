"""Get the end of a team's audit chain, to note it down elsewhere."""

from __future__ import annotations

from slipway import audit_chain
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("GET /v1/teams/{team_id}/audit/head", allow="audit:read", uses=(DATABASE,))
def head(caller: Caller, tx: Transaction, team_id: TeamId) -> audit_chain.AuditHead:
    return audit_chain.head(tx, caller)
