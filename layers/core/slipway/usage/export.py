"""The ledger as CSV (RFC 4180), for spreadsheets and bookkeepers."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

from slipway import ids
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.reply import Content
from slipway.usage.meters import METERS
from slipway.usage.span import span

MOST_BYTES = 4_500_000  # a function's answer has 6 MB, and bytes travel in it as base64
MOST_LINES = 50_000  # read at once; a line is some 100 bytes
USUAL, LONGEST = timedelta(days=31), timedelta(days=3700)
HEADER = ("at", "meter", "quantity", "unit", "source", "user_id", "project_id", "recorded_at")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute a cell that begins so
OLDEST = sql(
    """select at, meter, quantity, source, user_id, project_id, recorded_at from usage_events
        where team_id = %(team_id)s and at >= %(since)s and at < %(until)s
        order by at, meter, source limit %(limit)s"""
)


def export(tx: Transaction, caller: Caller, since: datetime | None, until: datetime | None) -> Content:
    """The lines of a span, oldest first; raises too_large when they do not fit into one answer."""
    asked = span(since, until, USUAL, LONGEST)
    rows = tx.all(OLDEST, team_id=caller.team_id, since=asked.since, until=asked.until, limit=MOST_LINES + 1)
    body = written(rows)
    if len(rows) > MOST_LINES or len(body) > MOST_BYTES:
        reached = rows[min(len(rows), MOST_LINES) - 1]["at"].isoformat()
        raise Error(
            "too_large",
            f"The export has more than {MOST_LINES} lines or {MOST_BYTES} bytes: "
            f"narrow since and until (all lines before {reached} would be close to it).",
            limit="export_bytes",
            allowed=MOST_BYTES,
        )
    name = f"usage-{ids.encode('team', caller.team_id)}-{asked.since:%Y%m%d}-{asked.until:%Y%m%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Content(body, "text/csv; charset=utf-8; header=present", headers)


def written(rows: list[Row]) -> bytes:
    """CRLF, a header line, quotes where they are needed, UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in rows:
        meter = METERS.get(row["meter"])
        writer.writerow(
            (
                _moment(row["at"]),
                plain(row["meter"]),
                row["quantity"],
                meter.unit if meter else "",
                plain(row["source"]),
                ids.encode("usr", row["user_id"]) if row["user_id"] else "",
                ids.encode("prj", row["project_id"]) if row["project_id"] else "",
                _moment(row["recorded_at"]),
            )
        )
    return text.getvalue().encode()


def plain(cell: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
