"""Revoke one's own API key, in whichever team, also in one that one has left.

At once: the key's next request is refused, and a WebSocket that it has opened hears nothing more. Again is 204 again.
"""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.route import route


# The id is text here: it is one's own, and no team's resource that a role would be looked up for.
@route("DELETE /v1/me/keys/{key_id}", allow="self", uses=(DATABASE,), status=204)
def revoke_mine(caller: Caller, tx: Transaction, key_id: str) -> None:
    api_keys.revoke_mine(tx, caller, key_id)
