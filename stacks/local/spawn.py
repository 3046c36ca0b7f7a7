"""Starting a process under an event loop, and knowing its end by itself.

asyncio's own `Process.wait` also waits for the end of the pipes, and those stay open as long as any descendant holds
them: a crashed child with a surviving grandchild would look alive. So the end is read from a pidfd, the lines apart.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

LINE_LIMIT = 1 << 20  # bytes
# The kernel kills the child when the thread that started it dies: so start children from the main thread only.
# setpriv execs; a preexec_fn would run Python between fork and exec, where another thread's lock can be held for ever.
WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


class Spawned:
    """A started process in a session of its own; it dies with us. `lines` is its stdout."""

    def __init__(self, process: subprocess.Popen[bytes], lines: asyncio.StreamReader, pipe: asyncio.BaseTransport):
        self.pid = process.pid
        self.lines = lines
        self._process = process
        self._pipe = pipe
        self._pidfd = os.pidfd_open(process.pid)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._end)

    def _end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        if not self._ended.done():
            self._ended.set_result(code)

    @property
    def returncode(self) -> int | None:
        """Minus the signal's number when a signal ended it; None while it lives."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Its return code, at its end and not at that of its descendants; any number of tasks may wait."""
        return await asyncio.shield(self._ended)

    def signal(self, sign: signal.Signals) -> None:
        if self.returncode is None:
            self._process.send_signal(sign)

    async def end(self, seconds: float) -> int:
        """SIGTERM, and SIGKILL when it has not ended after so long; its return code."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()

    def sweep(self) -> None:
        """Kill what it left behind (its process group outlives it), and let go of its pipe."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._loop.call_later(0.1, self._pipe.close)  # its last lines may still be on their way to the reader


async def spawn(
    command: Sequence[str],
    errors: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Spawned:
    """Start a command; stderr goes to `errors`, or where ours goes; with our environment, or only the given one.

    Of our open files it has `descriptors`, by the same numbers, and no other.
    """
    inside, outside = os.pipe()
    try:
        process = subprocess.Popen(
            [*WITH_PARENT, *command],
            stdin=subprocess.DEVNULL,
            stdout=outside,
            stderr=errors,
            env=environment,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we end the children in order
        )
    except BaseException:
        os.close(inside)
        raise
    finally:
        os.close(outside)
    lines = asyncio.StreamReader(limit=LINE_LIMIT)
    protocol = asyncio.StreamReaderProtocol(lines)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(inside, "rb", 0))
    return Spawned(process, lines, pipe)


def ending(code: int) -> str:
    """A return code in words."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
