"""Download the lines of a team's metering ledger as CSV."""

from __future__ import annotations

from pydantic import AwareDatetime
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.reply import Content
from slipway.route import route
from slipway.usage import export as lines


@route("GET /v1/teams/{team_id}/usage.csv", allow="usage:export", uses=(DATABASE,), memory=1024, timeout=29)
def export(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Content:
    return lines.export(tx, caller, since, until)
