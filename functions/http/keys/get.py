"""Read anybody's API key in a team."""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import KeyId, TeamId
from slipway.route import route


@route("GET /v1/teams/{team_id}/keys/{key_id}", allow="key:read", uses=(DATABASE,))
def get(caller: Caller, tx: Transaction, team_id: TeamId, key_id: KeyId) -> api_keys.ApiKey:
    return api_keys.get(tx, caller, key_id)
