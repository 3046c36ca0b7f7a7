"""Post room events to open connections."""

from __future__ import annotations

from slipway import connections
from slipway.capabilities import CONNECTIONS, GONE_QUEUE
from slipway.catalogue import BROADCAST
from slipway.queue import queue
from slipway.rooms import Broadcast


@queue(BROADCAST, uses=(CONNECTIONS, GONE_QUEUE))
def broadcast(message: Broadcast) -> None:
    connections.broadcast(message)
