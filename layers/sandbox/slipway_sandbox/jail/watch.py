"""Looks at a running step every few milliseconds and says when it has used too much."""

from __future__ import annotations

import os

from slipway_sandbox.jail import processes
from slipway_sandbox.jail.cgroup import Slot
from slipway_sandbox.jail.halt import Verdict
from slipway_sandbox.job import Limits

OVERHEAD = 1  # process 1 is in the group too
FORKS = 50  # refused ones, after which a program is not coping but exploding
PATIENCE = 0.5  # seconds that a program may take to cope with the process limit


class Watch:
    """One step. Memory and CPU come from the control group where there is one, otherwise from /proc."""

    def __init__(self, limits: Limits, slot: Slot | None, pid: int, folders: tuple[int, ...], now: float) -> None:
        self.limits = limits
        self.slot = slot
        self.pid = pid
        self.folders = folders
        self.started = now
        self.every = 0.05 if slot else 0.02
        self.due = now + self.every
        self.cpu_ms = 0
        self.peak = 0
        self.crowded_since: float | None = None
        if slot:
            slot.limit(limits.memory_bytes, limits.processes + OVERHEAD)
            self.before = (slot.cpu_ms(), slot.oom_kills(), slot.refused_forks())

    def check(self, now: float) -> Verdict | None:
        """Call when `due`; also the wall clock is looked at only here."""
        self.due = min(now + self.every, max(now, self.started + self.limits.wall_seconds))
        if now - self.started >= self.limits.wall_seconds:
            return Verdict("timed_out", f"it ran longer than {self.limits.wall_seconds:g} s")
        stop = self._group(now) if self.slot else self._processes(now)
        if stop is None and self.cpu_ms > self.limits.cpu_seconds * 1000:
            return Verdict("timed_out", f"it used more than {self.limits.cpu_seconds:g} s of CPU time")
        if stop is None and self.disk_bytes() > self.limits.disk_bytes:
            return self._disk_stop()
        return stop

    def disk_bytes(self) -> int:
        """In the run's directory and /tmp. Works on after the sandbox has gone, until the descriptors are closed."""
        used = 0
        for fd in self.folders:
            space = os.fstatvfs(fd)
            used += (space.f_blocks - space.f_bfree) * space.f_frsize
        return used

    def afterwards(self) -> Verdict | None:
        """Which limit a program met that did not end well. Call when all its processes are gone."""
        if self.slot and self.slot.oom_kills() > self.before[1]:
            return self._memory_stop()
        if self.slot and self.slot.refused_forks() > self.before[2]:
            return self._process_stop()
        full = any(os.fstatvfs(fd).f_bavail == 0 for fd in self.folders)
        return self._disk_stop() if full or self.disk_bytes() > self.limits.disk_bytes else None

    def totals(self, cpu_ms: int, peak: int) -> tuple[int, int]:
        """(cpu_ms, peak_memory_bytes), given what process 1 has measured of those it reaped."""
        if self.slot:
            return self.slot.cpu_ms() - self.before[0], self.slot.peak_memory() or peak
        return max(self.cpu_ms, cpu_ms), max(self.peak, peak)

    def _group(self, now: float) -> Verdict | None:
        assert self.slot
        self.cpu_ms = self.slot.cpu_ms() - self.before[0]
        if self.slot.refused_forks() - self.before[2] > FORKS:
            return self._process_stop()
        refused = self.slot.refused_forks() > self.before[2]
        return self._crowded(refused and self.slot.threads() > self.limits.processes, now)

    def _processes(self, now: float) -> Verdict | None:
        usage = processes.usage(self.pid)
        self.peak = max(self.peak, usage.memory_bytes)
        self.cpu_ms = max(self.cpu_ms, usage.cpu_ms)
        if usage.memory_bytes > self.limits.memory_bytes:
            return self._memory_stop()
        return self._crowded(usage.threads > self.limits.processes, now)

    def _crowded(self, crowded: bool, now: float) -> Verdict | None:
        if not crowded:
            self.crowded_since = None
        elif self.crowded_since is None:
            self.crowded_since = now
        elif now - self.crowded_since > PATIENCE:
            return self._process_stop()
        return None

    def _memory_stop(self) -> Verdict:
        return Verdict("memory_exceeded", f"it needed more than {self.limits.memory_bytes} bytes of memory")

    def _process_stop(self) -> Verdict:
        return Verdict("process_limit", f"it needed more than {self.limits.processes} processes and threads")

    def _disk_stop(self) -> Verdict:
        return Verdict("disk_exceeded", f"it wrote more than {self.limits.disk_bytes} bytes to disk")
