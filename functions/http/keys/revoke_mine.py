"""Revoke one's own API key, in whichever team, also in one that one has left.

At once: the key's next request is refused, and a WebSocket that it has opened hears nothing more. Again is 204 again.
"""

from __future__ import annotations

from slipway import api_keys
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import KeyId
from slipway.route import route


@route("DELETE /v1/me/keys/{key_id}", allow="self", uses=(DATABASE,), status=204)
def revoke_mine(caller: Caller, tx: Transaction, key_id: KeyId) -> None:
    api_keys.revoke_mine(tx, caller, key_id)
