"""Replace one's own API key by a new one with a new secret.

The secret is in this answer only. The old key works until its grace is over, at most a day; with a grace of 0 its next
request is refused.
"""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import KeyId, TeamId
from slipway.route import route


@route(
    "POST /v1/teams/{team_id}/keys/{key_id}/rotate",
    allow="key:create",
    uses=(DATABASE,),
    status=201,
    idempotency="none",
)
def rotate(
    caller: Caller, tx: Transaction, team_id: TeamId, key_id: KeyId, rotation: api_keys.Rotation
) -> api_keys.IssuedKey:
    return api_keys.rotate(tx, caller, key_id, rotation)
