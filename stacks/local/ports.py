"""The three ports of one machine, side by side on the loopback address: HTTP API, WebSocket API, `@connections`.

The HTTP processes share the first by SO_REUSEPORT, which would let a second platform, or another program of the same
user, share it as well and answer every other request. So nobody shares it before the other two ports are taken by
whoever keeps them for as long as the platform lives, and before a bind that shares nothing has shown that it is free.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

HOST = "127.0.0.1"
LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp
BACKLOG = 2048


class PortTaken(RuntimeError):
    """A port cannot be had: `found` says why, `remedy` what to do."""

    def __init__(self, port: int, reason: str) -> None:
        self.found = f"port {port} cannot be had ({reason.lower()})"
        self.remedy = f"choose another with PORT={8100 if port != 8100 else 8200} (make) or --port"
        super().__init__(f"{self.found}: stop its owner, or {self.remedy}")


def around(port: int) -> tuple[int, int, int]:
    """The machine's ports: HTTP API, WebSocket API, `@connections`."""
    return port, port + 1, port + 2


def listen(port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; `shared`: with every other that is shared, of this user. Raises PortTaken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are closing are no obstacle
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)  # SO_REUSEADDR lets two processes bind: the second one fails only here
    except OSError as error:
        listener.close()
        raise PortTaken(port, error.strerror or str(error)) from error
    listener.setblocking(False)
    return listener


def take(port: int) -> tuple[socket.socket, socket.socket]:
    """The listeners of the WebSocket API and of `@connections`, ours alone; and nobody listens on `port` itself.

    Two platforms that start at once compete for these, so one of them is gone before either shares a port.
    Raises PortTaken.
    """
    http, websocket, connections = around(port)
    first = listen(websocket)
    try:
        second = listen(connections)
        try:
            listen(http).close()
        except PortTaken:
            second.close()
            raise
    except PortTaken:
        first.close()
        raise
    return first, second


def listening(port: int) -> int:
    """How many sockets listen on the port: the HTTP processes that answer."""
    here = f"{int.from_bytes(socket.inet_aton(HOST), sys.byteorder):08X}:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[1] == here and fields[3] == LISTENING for fields in lines)
