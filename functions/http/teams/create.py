"""Create a team; the caller owns it."""

from __future__ import annotations

from slipway import teams
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


@route("POST /v1/teams", allow="self", uses=(DATABASE,), status=201)
def create(caller: Caller, tx: Transaction, new: teams.NewTeam) -> teams.Team:
    return teams.create(tx, caller, new)
