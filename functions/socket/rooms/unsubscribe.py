"""Listen no longer."""

from __future__ import annotations

from slipway import rooms
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.frames import Connection
from slipway.socket import socket


@socket("room.unsubscribe", allow="room:read", uses=(DATABASE,))
def unsubscribe(caller: Caller, tx: Transaction, connection: Connection, message: rooms.Subscribe) -> None:
    rooms.unsubscribe(tx, caller, connection, message)
