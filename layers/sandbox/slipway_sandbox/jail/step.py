"""One step of a job (a compilation, the program itself) in a sandbox that is already up, watched to its end."""

from __future__ import annotations

import fcntl
import os
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from slipway_sandbox.jail import limits as kernel
from slipway_sandbox.jail.cgroup import Slot
from slipway_sandbox.jail.control import Control, Gone, number
from slipway_sandbox.jail.halt import Halt, Verdict
from slipway_sandbox.jail.identity import Identity
from slipway_sandbox.jail.watch import Watch
from slipway_sandbox.job import Limits, Status, Stream

Sink = Callable[[Stream, bytes, float], None]  # stream, what was written, time.monotonic()
CHUNK = 64 * 1024
END_SECONDS = 2.0  # for process 1 to end a step before the whole sandbox is killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`argv[0]` is an absolute path inside."""

    argv: tuple[str, ...]
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    reserves: bool = False  # the runtime reserves much more address space than it uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """As in job.Result."""

    status: Status
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    wall_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0
    output_bytes: int = 0
    disk_bytes: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The sandbox as a step needs it."""

    control: Control
    who: Identity
    pid: int
    slot: Slot | None
    folders: tuple[int, ...]


class StepRun:
    def __init__(self, place: Place, step: Step, sink: Sink, halt: Halt | None, destroy: Callable[[], None]) -> None:
        self.place = place
        self.step = step
        self.sink = sink
        self.halt = halt
        self.destroy = destroy
        self.started = time.monotonic()
        self.watch = Watch(step.limits, place.slot, place.pid, place.folders, self.started)
        self.selector = selectors.DefaultSelector()
        self.pipes: dict[int, Stream] = {}
        self.output = 0
        self.truncated = False
        self.verdict: Verdict | None = None
        self.kill_at: float | None = None  # when patience with process 1 ends
        self.status: int | None = None  # raw wait status of the main process
        self.refused = 0
        self.measured = (0, 0)  # CPU in ms and peak in bytes, as process 1 saw them

    def run(self) -> Ending:
        lost = None
        try:
            self._send()
            while not self._turn():
                pass
        except Gone as error:
            lost = str(error)
            self.destroy()
        finally:
            self._drain()
            for fd in self.pipes:
                os.close(fd)
            self.selector.close()
        return self._ending(lost)

    def _send(self) -> None:
        step = self.step
        limits = kernel.rlimits(step.limits, group=self.place.slot is not None, reserves=step.reserves)
        theirs = [_stdin(step.stdin), self._pipe("stdout"), self._pipe("stderr")]
        try:
            for fd in theirs:
                self.place.who.give(fd)
            message = {"argv": step.argv, "env": dict(step.environment), "rlimits": limits}
            self.place.control.send(message, theirs)
        finally:
            for fd in theirs:
                os.close(fd)
        self.selector.register(self.place.control, selectors.EVENT_READ)
        if self.halt:
            self.selector.register(self.halt, selectors.EVENT_READ)

    def _pipe(self, stream: Stream) -> int:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ours, False)
        self.pipes[ours] = stream
        self.selector.register(ours, selectors.EVENT_READ)
        return theirs

    def _turn(self) -> bool:
        """Wait for what comes next and deal with it; True when the step is over. Raises Gone."""
        now = time.monotonic()
        due = min(self.watch.due, self.kill_at or self.watch.due)
        for key, _ in self.selector.select(max(0.0, due - now)):
            if key.fileobj is self.place.control:
                if self._hear():
                    return True
            elif key.fileobj is self.halt:
                self.selector.unregister(self.halt)
                self._end(self.halt.verdict)
            elif not self._read(key.fd):
                self.selector.unregister(key.fd)
        now = time.monotonic()
        if self.kill_at is not None and now >= self.kill_at:
            raise Gone("process 1 of the sandbox did not end the step in time")
        if now >= self.watch.due:
            self._end(self.watch.check(now))
        return False

    def _hear(self) -> bool:
        """Take in every message that has come; True when the step is over. Raises Gone."""
        while (message := self.place.control.receive(0)) is not None:
            if "refused" in message:
                self.refused = number(message, "refused") or 1
            elif isinstance(message.get("ended"), int) and 0 <= message["ended"] < 1 << 16:
                self.status = message["ended"]
            elif message.get("empty"):
                self.measured = (number(message, "cpu_ms"), number(message, "peak_bytes"))
                return True
        return False

    def _end(self, verdict: Verdict | None) -> None:
        """Ask process 1 to end the step; the first verdict stands."""
        if verdict and self.verdict is None:
            self.verdict = verdict
            self.kill_at = time.monotonic() + END_SECONDS
            self.place.control.send({"end": True})

    def _read(self, fd: int) -> bool:
        """Pass on what is there; False at the end of the stream."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return True
        keep = data[: max(0, self.step.limits.output_bytes - self.output)]
        self.output += len(keep)
        if keep:
            self.sink(self.pipes[fd], keep, time.monotonic())
        if len(keep) < len(data):
            self.truncated = True
            self._exceeded()
        return bool(data)

    def _exceeded(self) -> None:
        verdict = Verdict("output_exceeded", f"it wrote more than {self.step.limits.output_bytes} bytes of output")
        if self.status is None:
            self._end(verdict)
        self.verdict = self.verdict or verdict

    def _drain(self) -> None:
        """What is left in the pipes once everyone is gone: at most their size. Never waits for end of file."""
        for fd in self.pipes:
            for _ in range(32):
                before = self.output
                if self.truncated or not self._read(fd) or self.output == before:
                    break

    def _ending(self, lost: str | None) -> Ending:
        wall_ms = int((time.monotonic() - self.started) * 1000)
        cpu_ms, peak = self.watch.totals(*self.measured)
        ending = Ending(
            status="lost",
            wall_ms=wall_ms,
            cpu_ms=cpu_ms,
            peak_memory_bytes=peak,
            output_bytes=self.output,
            disk_bytes=self.watch.disk_bytes(),
            truncated=self.truncated,
        )
        if self.refused:
            why = f"{self.step.argv[0]} could not be started: {os.strerror(self.refused)}"
            return replace(ending, status="never_started", reason=why)
        if self.status is None or self.verdict:
            verdict = self.verdict or self.watch.afterwards() or Verdict("lost", lost or "the sandbox ended by itself")
            return replace(ending, status=verdict.status, reason=verdict.reason)
        status, code, signal, reason = kernel.ended(self.status)
        ending = replace(ending, status=status, exit_code=code, signal=signal, reason=reason)
        met = self.watch.afterwards() if status in ("failed", "signalled") else None
        return replace(ending, status=met.status, reason=met.reason) if met else ending


def _stdin(content: bytes) -> int:
    """A sealed file in memory: it ends by itself, and nobody can grow it."""
    fd = os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(content)
        fcntl.fcntl(
            fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        )
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)
