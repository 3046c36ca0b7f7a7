"""One open WebSocket connection, and the table of all of them: what `@connections` works on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from stacks.local.connections import Stuck
from stacks.local.socket_event import Handshake

SEND_SECONDS = 3.0  # as long as a poster waits; a client that reads takes microseconds


class PeerConnection(ServerConnection):
    """The library's connection; `peer` is set when the client is let in."""

    peer: Peer


class Peer:
    def __init__(self, handshake: Handshake, connection: ServerConnection) -> None:
        self.handshake = handshake
        self.last_active = monotonic()
        self._connection = connection
        self._active_at = time()

    def touch(self) -> None:
        """A message passed, in either direction: the connection is not idle."""
        self.last_active = monotonic()
        self._active_at = time()

    async def send(self, text: str) -> bool:
        """False when the connection is closed; raises Stuck when the client does not read.

        A message of which a part was sent cannot be taken back: a stuck connection is closed.
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._connection.send(text)
        except ConnectionClosed:
            return False
        except TimeoutError:
            self._connection.transport.abort()
            raise Stuck from None
        self.touch()
        return True

    async def close(self, code: int, reason: str) -> None:
        await self._connection.close(code, reason)

    def closed_with(self) -> tuple[int, str]:
        """The close code and reason; 1006 when the client vanished."""
        return self._connection.close_code or 1006, self._connection.close_reason or ""

    def describe(self) -> dict[str, Any]:
        """GetConnection's answer."""
        identity = {"sourceIp": self.handshake.source_ip, "userAgent": self.handshake.user_agent}
        return {
            "connectedAt": _iso(self.handshake.connected_at),
            "identity": identity,
            "lastActiveAt": _iso(self._active_at),
        }


class Peers:
    """The open connections by id; one whose `$connect` is not answered yet is not among them."""

    def __init__(self) -> None:
        self._peers: dict[str, Peer] = {}

    def add(self, peer: Peer) -> None:
        self._peers[peer.handshake.id] = peer

    def remove(self, peer: Peer) -> None:
        self._peers.pop(peer.handshake.id, None)

    def all(self) -> Sequence[Peer]:
        return tuple(self._peers.values())

    async def post(self, connection_id: str, text: str) -> bool:
        peer = self._peers.get(connection_id)
        return peer is not None and await peer.send(text)

    async def drop(self, connection_id: str) -> bool:
        peer = self._peers.pop(connection_id, None)
        if peer is None:
            return False
        await peer.close(1000, "Connection closed by the server")
        return True

    def describe(self, connection_id: str) -> dict[str, Any] | None:
        peer = self._peers.get(connection_id)
        return None if peer is None else peer.describe()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
