"""Make an API key; its secret is in this answer only.

The key acts as the caller, in this team or in one workspace of it, with the scopes given and no more than the caller's
role allows at the time. It works at once, and revoking it takes effect at once: the authorizer remembers for a minute
whose key it is, but every request looks whether it is still good.
"""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


@route("POST /v1/teams/{team_id}/keys", allow="key:create", uses=(DATABASE,), status=201, idempotency="none")
def create(caller: Caller, tx: Transaction, team_id: TeamId, new: api_keys.NewApiKey) -> api_keys.IssuedKey:
    return api_keys.create(tx, caller, new)
