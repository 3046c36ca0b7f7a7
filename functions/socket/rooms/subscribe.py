"""Listen to a room, and get what was missed."""

from __future__ import annotations

from slipway import rooms
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.frames import Connection
from slipway.socket import socket


@socket("room.subscribe", allow="room:read", uses=(DATABASE,))
def subscribe(caller: Caller, tx: Transaction, connection: Connection, message: rooms.Subscribe) -> rooms.Subscription:
    return rooms.subscribe(tx, caller, connection, message)
