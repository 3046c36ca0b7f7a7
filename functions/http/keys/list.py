"""List everybody's API keys in a team."""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/teams/{team_id}/keys", allow="key:read", uses=(DATABASE,))
def list(
    caller: Caller, tx: Transaction, team_id: TeamId, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[api_keys.ApiKey]:
    return api_keys.list(tx, caller, limit, cursor)
