"""The team's audit log, read: by page newest first, or exported oldest first with all that is needed to check it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints

from slipway import clock, ids, pages
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import UserId
from slipway.reply import Content, Page
from slipway.texts import PRINTABLE

Text = Annotated[str, StringConstraints(max_length=100, pattern=PRINTABLE)]
DAYS, MOST_DAYS = 90, 366  # how far back without `since`, and how much one request may look through
EXPORT_EVENTS, EXPORT_BYTES = 10_000, 4_000_000  # as base64 it stays below what a Lambda function may answer
PREFIXES = {"session": "ses", "key": "key", "operator": "ses"}
NDJSON = "application/x-ndjson"


class AuditEvent(BaseModel):
    """`seq` counts the team's events from 1 without gaps. `credential`: "session", "key", "operator" (who runs the
    platform and is not of the team), "platform" (no person; `user_id` is null). `before` and `after` have what changed
    and no more. `hash` (hex) covers the event and the one before it: docs/audit.md says how."""

    seq: int
    at: datetime
    user_id: UserId | None
    credential: str
    credential_id: str | None
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str
    user_agent: str
    request_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Filter:
    """`action` is a prefix, `q` a part of action or target in any case; the time is from `since` to before `until`."""

    action: str = ""
    user_id: UserId | None = None
    target: str | None = None
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """For the statements, which look through a bounded time. Raises invalid when it is longer than MOST_DAYS."""
        end = self.until or clock.now() + timedelta(minutes=5)
        try:
            start = self.since or end - timedelta(days=DAYS)
        except OverflowError:
            raise Error("invalid", "/query/until: is too long ago") from None
        if end - start > timedelta(days=MOST_DAYS, minutes=5):
            raise Error("invalid", f"/query/since: ask for at most {MOST_DAYS} days at once, with since and until.")
        own = {"action": self.action, "user_id": self.user_id, "target": self.target, "q": self.q.lower()}
        return {**own, "start_at": start, "end_at": end}


COLUMNS = "seq, at, user_id, credential, credential_id, action, target, before, after, address, user_agent, request_id"
WHERE = """team_id = %(team_id)s and at >= %(start_at)s and at < %(end_at)s and starts_with(action, %(action)s)
           and (%(user_id)s::uuid is null or user_id = %(user_id)s) and (%(target)s::text is null or target = %(target)s)
           and (%(q)s = '' or strpos(lower(action), %(q)s) > 0 or strpos(lower(target), %(q)s) > 0)"""
LIST = sql(
    f"""select {COLUMNS}, encode(hash, 'hex') as hash from audit_events
         where {WHERE} and seq < %(before_seq)s order by seq desc limit %(limit)s"""
)
EXPORT = sql(
    f"""select e.team_id, {COLUMNS}, encode(previous, 'hex') as previous, encode(hash, 'hex') as hash,
               convert_from(app.audit_bytes(e), 'UTF8') as hashed from audit_events e
         where {WHERE} and seq > %(after_seq)s order by seq limit %(limit)s"""
)


def list(tx: Transaction, caller: Caller, filter: Filter, limit: int, cursor: str | None) -> Page[AuditEvent]:
    """Newest first."""
    given = filter.parameters()
    rows = tx.all(LIST, team_id=caller.team_id, before_seq=_before(cursor), limit=limit + 1, **given)
    return pages.page(AuditEvent, [_shown(row) for row in rows], limit, key="seq")


def export(tx: Transaction, caller: Caller, filter: Filter, after: int) -> Content:
    """One JSON object a line, oldest first: the event with `previous`, `hash` and `hashed`, the text that was hashed.

    At most EXPORT_EVENTS and EXPORT_BYTES; `x-next-after` says with which `after` to go on, and is absent at the end.
    """
    given = filter.parameters()
    rows = tx.all(EXPORT, team_id=caller.team_id, after_seq=after, limit=EXPORT_EVENTS + 1, **given)
    kept = [*_lines(rows)]
    headers = {"content-disposition": 'attachment; filename="audit.ndjson"'}
    if len(kept) < len(rows):
        headers["x-next-after"] = str(rows[len(kept) - 1]["seq"])
    return Content(b"".join(kept), NDJSON, headers)


def _lines(rows: Sequence[Row]) -> Iterator[bytes]:
    size = 0
    for row in rows[:EXPORT_EVENTS]:
        event = AuditEvent.model_validate(_shown(row)).model_dump(mode="json")
        team_id = ids.encode("team", row["team_id"])
        line = json.dumps({"team_id": team_id, **event, "previous": row["previous"], "hashed": row["hashed"]})
        if size and size + len(line) >= EXPORT_BYTES:
            return
        size += len(line) + 1
        yield line.encode() + b"\n"


def _shown(row: Row) -> Row:
    prefix = PREFIXES.get(row["credential"])
    named = prefix and row["credential_id"]
    return {**row, "credential_id": ids.encode(prefix, row["credential_id"]) if prefix and named else None}


def _before(cursor: str | None) -> int:
    """The number that a page in descending order comes before."""
    try:
        return int(pages.after(cursor)) if cursor else 2**63 - 1
    except ValueError:
        raise Error("invalid", "/query/cursor: is not a cursor of this list") from None
