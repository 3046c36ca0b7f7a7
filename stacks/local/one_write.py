"""A response in one write that holds up nobody: a quarter of the gateway's throughput.

uvicorn writes head and body apart, and each write is a system call that wakes the client. uvloop makes that call with
the interpreter's lock in its hand, so that no function can run meanwhile; `os.write` lets the lock go.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite:
    """A transport that writes what one callback of the loop wrote together, when that callback has returned."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._fd: int = transport.get_extra_info("socket").fileno()
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data = b"".join(self._parts)
        self._parts.clear()
        if not data or self._transport.is_closing():  # the client is gone, and the descriptor may be another's by now
            return
        rest = data[self._write(data) :]
        if rest:
            self._transport.write(rest)

    def _write(self, data: bytes) -> int:
        """How many bytes the kernel took; none when others wait before them, or when the transport shall find out why."""
        if self._transport.get_write_buffer_size():
            return 0
        try:
            return os.write(self._fd, data)
        except OSError:
            return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    def connection_made(self, transport: Any) -> None:
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]
