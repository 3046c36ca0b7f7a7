"""Children that are kept alive: started with a log file, known to be ready, started again when they crash.

A child prints the line `ready` on stdout once it works, logs to stderr, ends within ten seconds of SIGTERM, and exits
with 3 after one line on stderr when it cannot start at all. Whatever happens to us, none survives us.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from stacks.local.spawn import Spawned, ending, spawn

CANNOT_START = 3
LOG_LIMIT = 20 * 1024 * 1024  # bytes; a larger log becomes <name>.log.1 at the next start
STOP_SECONDS = 10.0

Report = Callable[[str], None]


class CannotStart(RuntimeError):
    """Something needed does not work; the message is one line with the remedy."""


class Backoff:
    """Seconds to wait before each restart: none after the first crash, up to five when they follow each other."""

    DELAYS = (0.0, 0.5, 1.0, 2.0, 5.0)
    FORGIVEN_AFTER = 60.0

    def __init__(self) -> None:
        self.crashes = 0
        self.last = 0.0

    def delay(self, now: float) -> float:
        self.crashes = self.crashes + 1 if now - self.last < self.FORGIVEN_AFTER else 1
        self.last = now
        return self.DELAYS[min(self.crashes, len(self.DELAYS)) - 1]


class Child:
    """One supervised process: `start`, then `keep`, then `stop`. It gets our open `descriptors` at every start."""

    def __init__(self, name: str, command: Sequence[str], log: Path, descriptors: Sequence[int] = ()) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.descriptors = descriptors
        self.process: Spawned | None = None
        self._reader: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self, seconds: float = 60) -> None:
        """Returns when the child says that it is ready; raises CannotStart when it ends, or is silent for too long."""
        rotate(self.log)
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = await spawn(self.command, log, descriptors=self.descriptors)
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self.process, ready))
        waiting = {asyncio.create_task(ready.wait()), asyncio.create_task(self.process.wait())}
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if not ready.is_set():
            raise CannotStart(await self._failure(self.process, begin, seconds))

    def keep(self, report: Report) -> None:
        """From now until `stop`, start it again whenever it ends."""
        self._watcher = asyncio.create_task(self._watch(report))

    async def _watch(self, report: Report) -> None:
        backoff = Backoff()
        while self.process is not None:
            code = await self.process.wait()
            self.process.sweep()
            delay = backoff.delay(time.monotonic())
            report(f"{self.name} ended ({ending(code)}), starting it again: see {self.log}")
            await asyncio.sleep(delay)
            with suppress(CannotStart):  # its end is seen above, and the delay grows
                await self.start()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is left after ten seconds; nothing of its process group stays."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
        process = self.process
        if process is None:
            return
        await process.end(STOP_SECONDS)
        process.sweep()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=1)
            self._reader.cancel()

    async def _read(self, process: Spawned, ready: asyncio.Event) -> None:
        """The child's stdout: `ready`, and anything else into its log, so that its pipe never fills."""
        with self.log.open("ab") as log:
            async for line in process.lines:
                if line.strip() == b"ready":
                    ready.set()
                else:
                    log.write(line)
                    log.flush()

    async def _failure(self, process: Spawned, begin: int, seconds: float) -> str:
        if process.returncode is None:
            process.signal(signal.SIGKILL)
            await process.wait()
            return f"{self.name} was not ready after {seconds:.0f} s: see {self.log}"
        if process.returncode == CANNOT_START:
            with self.log.open("rb") as log:
                log.seek(begin)
                lines = log.read().decode(errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "")
            return f"{self.name}: {last}"
        return f"{self.name} ended while starting ({ending(process.returncode)}): see {self.log}"


async def keep(
    name: str,
    ended: Callable[[], Awaitable[object]],
    again: Callable[[], Awaitable[None]],
    failure: type[Exception],
    report: Report,
) -> None:
    """The same care for another kind of process: wait until it `ended`, start it `again`, also after a `failure`."""
    backoff = Backoff()
    while True:
        await ended()
        report(f"{name} ended, starting it again")
        while True:
            await asyncio.sleep(backoff.delay(time.monotonic()))
            try:
                await again()
                break
            except failure as error:
                report(f"{name}: {error}")


def rotate(log: Path) -> None:
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))
