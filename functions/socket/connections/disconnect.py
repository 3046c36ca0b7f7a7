"""A client has gone."""

from __future__ import annotations

from slipway import connections
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.frames import Connection
from slipway.socket import socket


@socket("$disconnect", uses=(DATABASE,))
def disconnect(caller: Caller, tx: Transaction, connection: Connection) -> None:
    connections.disconnect(tx, caller, connection)
