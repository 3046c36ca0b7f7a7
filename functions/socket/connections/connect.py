"""A client connects with a ticket."""

from __future__ import annotations

from slipway import connections
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.frames import Connection
from slipway.socket import socket


@socket("$connect", uses=(DATABASE,))
def connect(caller: Caller, tx: Transaction, connection: Connection) -> None:
    connections.connect(tx, caller, connection)
