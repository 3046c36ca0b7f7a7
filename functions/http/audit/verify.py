"""Verify a team's audit chain, against a head that was noted down if one is given."""

from __future__ import annotations

from slipway import audit_chain
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("POST /v1/teams/{team_id}/audit/verify", allow="audit:read", uses=(DATABASE,), timeout=29, idempotency="none")
def verify(caller: Caller, tx: Transaction, team_id: TeamId, check: audit_chain.AuditCheck) -> audit_chain.AuditResult:
    return audit_chain.verify(tx, caller, check)
