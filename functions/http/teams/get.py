"""Read a team."""

from __future__ import annotations

from slipway import teams
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.reply import Reply
from slipway.route import route


@route("GET /v1/teams/{team_id}", allow="team:read", uses=(DATABASE,))
def get(caller: Caller, tx: Transaction, team_id: TeamId) -> Reply[teams.Team]:
    return teams.get(tx, caller)
