"""Revoke anybody's API key of the team.

At once: the key's next request is refused, and a WebSocket that it has opened hears nothing more. Again is 204 again.
"""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import KeyId, TeamId
from slipway.route import route


@route("DELETE /v1/teams/{team_id}/keys/{key_id}", allow="key:revoke", uses=(DATABASE,), status=204)
def revoke(caller: Caller, tx: Transaction, team_id: TeamId, key_id: KeyId) -> None:
    api_keys.revoke(tx, caller, key_id)
