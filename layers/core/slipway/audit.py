"""Who changed what in a team: recorded with the change, in its transaction, and chained to what was recorded before.

    audit.record(tx, caller, "project.updated", ids.encode("prj", id), *audit.changes(before, after))

Reading is in audit_log.py, verifying in audit_chain.py; docs/audit.md says what is kept. What concerns one's own
account and no team goes to account_events.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from slipway.caller import Caller
from slipway.db import Transaction, sql

Event = dict[str, Any]
APPEND = sql("select app.append_audit(%(team_id)s, %(events)s::jsonb)")


def record(
    tx: Transaction,
    caller: Caller,
    action: str,
    target: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    *,
    team_id: UUID | None = None,
) -> None:
    """Keep that `caller` did `action` ("project.updated") to `target` (a prefixed id).

    `before` and `after`: what changed and no more, small; never a secret, never a file's content (its path, size,
    sha256, version instead). `team_id` where the request names no team: a new one, an operator's doing, the platform's.
    Written right before the commit, all of a transaction's events in one call: the team's chain is one lock.
    """
    event = {**_credential(caller), "action": action, "target": target, "before": before, "after": after}
    tx.last(_append, (team_id or caller.team_id, event), at_the_end=True)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of two states of a thing what differs: the old values and the new ones."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ({n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after})


def _credential(caller: Caller) -> Event:
    """A worker's report and the platform's own work have no person behind them."""
    origin = caller.origin._asdict()
    if caller.kind != "user":
        return {**origin, "credential": "platform"}
    if caller.key_id is not None:
        return {**origin, "credential": "key", "credential_id": caller.key_id}
    return {**origin, "credential": "session", "credential_id": caller.session_id}


def _append(tx: Transaction, recorded: list[tuple[UUID, Event]]) -> None:
    """In the order of the teams' ids, so that two transactions about the same two teams do not lock each other out."""
    for team_id in sorted({team for team, _ in recorded}):
        events = [event for team, event in recorded if team == team_id]
        tx.run(APPEND, team_id=team_id, events=json.dumps(events, default=str))
