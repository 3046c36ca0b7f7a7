"""List the caller's own API keys, in all teams or in one."""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/me/keys", allow="self", uses=(DATABASE,))
def mine(
    caller: Caller, tx: Transaction, team_id: TeamId | None = None, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[api_keys.ApiKey]:
    return api_keys.mine(tx, caller, team_id, limit, cursor)
