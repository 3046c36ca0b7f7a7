"""Our end of the conversation with process 1 of a sandbox. What it says is checked: it lives among strangers."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

MOST = 64 * 1024  # bytes of one message


class Gone(Exception):
    """Process 1 has ended, or talks nonsense, which ends it too."""


class Control:
    """A stream socket with JSON lines and descriptors. Reading never blocks longer than asked."""

    def __init__(self, own: socket.socket) -> None:
        self.socket = own
        self.pending = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Raises Gone."""
        data = json.dumps(message).encode() + b"\n"
        try:
            self.socket.settimeout(5)
            sent = socket.send_fds(self.socket, [data], list(fds))
            self.socket.sendall(data[sent:])
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self, seconds: float, fds: list[int] | None = None) -> dict[str, Any] | None:
        """The next message, or None when none came in time; its descriptors are appended to `fds`. Raises Gone."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.pending:
            self.socket.settimeout(max(0.0, deadline - time.monotonic()))
            try:
                data, got, _, _ = socket.recv_fds(self.socket, 4096, 4)
            except (BlockingIOError, TimeoutError):
                return None
            except OSError as error:
                raise Gone(str(error)) from None
            self._keep(got, fds)
            if not data or len(self.pending) > MOST:
                raise Gone("process 1 of the sandbox has ended")
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return _message(line)

    def _keep(self, got: list[int], fds: list[int] | None) -> None:
        for fd in got:
            if fds is None or len(fds) >= 2:
                os.close(fd)
            else:
                os.set_inheritable(fd, False)
                fds.append(fd)

    def close(self) -> None:
        self.socket.close()


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        raise Gone("process 1 of the sandbox does not speak JSON") from None
    if not isinstance(message, dict):
        raise Gone("process 1 of the sandbox does not send objects")
    return message


def number(message: dict[str, Any], name: str) -> int:
    """A non-negative whole number of at most 2^53; anything else is 0."""
    value = message.get(name)
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else 0
