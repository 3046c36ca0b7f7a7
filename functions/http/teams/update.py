"""Change a team."""

from __future__ import annotations

from typing import Annotated

from slipway import teams
from slipway.binding import Header
from slipway.caller import Caller
from slipway.capabilities import BROADCAST_QUEUE, DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.reply import Reply
from slipway.route import route


@route("PATCH /v1/teams/{team_id}", allow="team:update", uses=(DATABASE, BROADCAST_QUEUE))
def update(
    caller: Caller,
    tx: Transaction,
    team_id: TeamId,
    change: teams.TeamChange,
    if_match: Annotated[str | None, Header("If-Match")] = None,
) -> Reply[teams.Team]:
    return teams.update(tx, caller, change, if_match)
