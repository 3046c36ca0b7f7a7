"""A control group for one sandbox, in version 1 or 2 of the kernel's interface, when we may make one.

It is a child of the group we are in, so that whatever bounds us bounds the sandbox. Making one costs some 10 ms:
a worker makes it before its job arrives.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path("/sys/fs/cgroup")
PREFIX = "slipway-"
_numbers = itertools.count()


class Slot(Protocol):
    """What the group can bound and tell. Zero where its controllers cannot say."""

    version: str  # v1, v2

    def limit(self, memory_bytes: int, processes: int) -> None: ...

    def enter(self, pid: int) -> None: ...

    def cpu_ms(self) -> int: ...

    def peak_memory(self) -> int: ...

    def oom_kills(self) -> int: ...

    def refused_forks(self) -> int: ...

    def threads(self) -> int: ...

    def remove(self) -> None: ...


@dataclass(slots=True)
class Unified:
    """cgroup v2. `path` has the controllers memory and pids."""

    path: Path
    version: str = "v2"

    def limit(self, memory_bytes: int, processes: int) -> None:
        _write(self.path / "memory.max", memory_bytes)
        with contextlib.suppress(OSError):  # absent on a kernel without swap accounting
            _write(self.path / "memory.swap.max", 0)
        _write(self.path / "pids.max", processes)

    def enter(self, pid: int) -> None:
        _write(self.path / "cgroup.procs", pid)

    def cpu_ms(self) -> int:
        return _keyed(self.path / "cpu.stat", "usage_usec") // 1000

    def peak_memory(self) -> int:
        return _number(self.path / "memory.peak")

    def oom_kills(self) -> int:
        return _keyed(self.path / "memory.events", "oom_kill")

    def refused_forks(self) -> int:
        return _keyed(self.path / "pids.events", "max")

    def threads(self) -> int:
        return _number(self.path / "pids.current")

    def remove(self) -> None:
        _remove(self.path)


@dataclass(slots=True)
class Separate:
    """cgroup v1: one folder in each hierarchy."""

    memory: Path
    pids: Path
    cpuacct: Path
    version: str = "v1"

    def limit(self, memory_bytes: int, processes: int) -> None:
        swap = self.memory / "memory.memsw.limit_in_bytes"
        with contextlib.suppress(OSError):  # it must never be the lower one: when raising it goes first …
            _write(swap, memory_bytes)
        _write(self.memory / "memory.limit_in_bytes", memory_bytes)
        if swap.exists():  # … and when lowering, last
            _write(swap, memory_bytes)
        _write(self.memory / "memory.max_usage_in_bytes", 0)  # a new peak for each step
        _write(self.pids / "pids.max", processes)

    def enter(self, pid: int) -> None:
        for folder in (self.memory, self.pids, self.cpuacct):
            _write(folder / "cgroup.procs", pid)

    def cpu_ms(self) -> int:
        return _number(self.cpuacct / "cpuacct.usage") // 1_000_000

    def peak_memory(self) -> int:
        return _number(self.memory / "memory.max_usage_in_bytes")

    def oom_kills(self) -> int:
        return _keyed(self.memory / "memory.oom_control", "oom_kill")

    def refused_forks(self) -> int:
        return _keyed(self.pids / "pids.events", "max")

    def threads(self) -> int:
        return _number(self.pids / "pids.current")

    def remove(self) -> None:
        for folder in {self.memory, self.pids, self.cpuacct}:
            _remove(folder)


def make() -> Slot | None:
    """A new group, or None when this process may not make one."""
    mounts = _mounts()
    groups = _groups()
    try:
        if all(name in groups and name in mounts for name in ("memory", "pids", "cpuacct")):
            return _make_separate(mounts, groups)
        if "" in groups and "" in mounts:
            return _make_unified(mounts[""], groups[""])
    except OSError:
        pass
    return None


def _make_separate(mounts: dict[str, Path], groups: dict[str, str]) -> Separate | None:
    name = _name()
    made: dict[str, Path] = {}
    try:
        for controller in ("memory", "pids", "cpuacct"):
            parent = mounts[controller] / groups[controller].lstrip("/")
            _sweep(parent)
            made[controller] = parent / name
            made[controller].mkdir(exist_ok=True)  # cpu,cpuacct and the like share a hierarchy
        return Separate(made["memory"], made["pids"], made["cpuacct"])
    except OSError:
        for folder in made.values():
            _remove(folder)
        return None


def _make_unified(mount: Path, group: str) -> Unified | None:
    """Beside the group we are in: a group with processes may not have children with controllers."""
    own = mount / group.lstrip("/")
    parent = own.parent if own != mount else mount
    enabled = (parent / "cgroup.subtree_control").read_text().split()
    if not {"memory", "pids"} <= set(enabled):
        return None
    _sweep(parent)
    path = parent / _name()
    path.mkdir()
    if os.access(path / "memory.max", os.W_OK) and os.access(parent / "cgroup.procs", os.W_OK):
        return Unified(path)
    _remove(path)
    return None


def _mounts() -> dict[str, Path]:
    """Where each v1 controller, and the v2 hierarchy as '', is mounted."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found.setdefault("", Path(where))
        elif kind == "cgroup":
            for option in options.split(","):
                found.setdefault(option, Path(where))
    return found


def _groups() -> dict[str, str]:
    """The group this process is in: by v1 controller, and the v2 one as ''."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _name() -> str:
    return f"{PREFIX}{os.getpid()}-{next(_numbers)}"


def _sweep(parent: Path) -> None:
    """Remove the groups of workers that were killed before they could."""
    for folder in parent.glob(f"{PREFIX}*"):
        match = re.fullmatch(rf"{PREFIX}(\d+)-\d+", folder.name)
        if match and not Path("/proc", match[1]).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    """The kernel may need a moment after the last process has gone; what stays is swept by the next worker."""
    for _ in range(50):
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.002)


def _write(file: Path, value: int) -> None:
    fd = os.open(file, os.O_WRONLY)
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def _keyed(file: Path, key: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [key]), 0)
