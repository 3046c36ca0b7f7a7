"""What happened to one's own account, for its owner to look through: logins, passwords, sessions, keys.

A team's events are audit.py's. These are kept for a year, or until the account is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from slipway import ids
from slipway.caller import Caller, Origin
from slipway.db import Row, Transaction, sql
from slipway.ids import AuditId
from slipway.pages import before, page
from slipway.reply import Page


class AccountEvent(BaseModel):
    """`credential` is what was used: "session", "key", or "none" when there was none yet, as at a login; then
    `credential_id` is its id (`ses_…`, `key_…`). `address` and `user_agent` are where the request came from."""

    id: AuditId
    at: datetime
    action: str
    credential: str
    credential_id: str | None
    address: str
    user_agent: str
    request_id: str
    details: dict[str, Any]


RECORD = sql(
    """insert into account_events (user_id, id, action, credential, credential_id, address, user_agent, request_id, details)
       values (%(user_id)s, %(id)s, %(action)s, %(credential)s, %(credential_id)s, %(address)s, %(user_agent)s,
               %(request_id)s, %(details)s::jsonb)"""
)
LIST = sql(
    """select id, at, action, credential, credential_id, address, user_agent, request_id, details from account_events
        where user_id = %(user_id)s and id < %(before)s order by id desc limit %(limit)s"""
)


def record(
    tx: Transaction, user_id: UUID, by: Caller | Origin, action: str, details: Mapping[str, Any] | None = None
) -> None:
    """Keep that `action` ("session.revoked") happened to the user's account, in the transaction of its effect.

    `by` is the caller, or the origin alone before there is one. `details`: small, never a secret.
    """
    origin = by.origin if isinstance(by, Caller) else by
    credential, credential_id = _credential(by)
    tx.run(
        RECORD,
        user_id=user_id,
        id=ids.new(),
        action=action,
        credential=credential,
        credential_id=credential_id,
        address=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        details=json.dumps(details or {}, default=str),
    )


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[AccountEvent]:
    """The caller's own, newest first."""
    rows = tx.all(LIST, user_id=caller.user_id, before=before(cursor), limit=limit + 1)
    return page(AccountEvent, [_shown(row) for row in rows], limit)


def _credential(by: Caller | Origin) -> tuple[str, UUID | None]:
    if not isinstance(by, Caller) or by.kind != "user":
        return "none", None
    return ("key", by.key_id) if by.key_id else ("session", by.session_id)


def _shown(row: Row) -> Row:
    prefix = {"session": "ses", "key": "key"}.get(row["credential"])
    return {**row, "credential_id": ids.encode(prefix, row["credential_id"]) if prefix else None}
