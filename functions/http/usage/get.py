"""Read what a team used over time, and what is left of this period."""

from __future__ import annotations

from pydantic import AwareDatetime
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route
from slipway.usage import series
from slipway.usage.meters import MeterName


@route("GET /v1/teams/{team_id}/usage", allow="usage:read", uses=(DATABASE,))
def get(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    meter: MeterName | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    interval: series.Interval = "day",
    by: series.By | None = None,
) -> series.Usage:
    return series.read(tx, caller, meter, since, until, interval, by)
