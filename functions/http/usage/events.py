"""List the lines of a team's metering ledger."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route
from slipway.usage import ledger
from slipway.usage.meters import MeterName


@route("GET /v1/teams/{team_id}/usage/events", allow="usage:read", uses=(DATABASE,))
def events(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    meter: MeterName | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> Page[ledger.Line]:
    return ledger.list(tx, caller, meter, limit, cursor)
