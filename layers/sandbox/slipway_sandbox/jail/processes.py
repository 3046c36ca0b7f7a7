"""What the processes of a sandbox use, from /proc: for hosts where no control group can say it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MOST = 5000  # more than any limit allows; a walk must end while a fork bomb runs


@dataclass(slots=True)
class Usage:
    """Of all processes alive at one moment. Memory that is in no process's map (memfd, tmpfs) is not in it."""

    memory_bytes: int = 0
    cpu_ms: int = 0  # including the children they have waited for
    threads: int = 0


def usage(root: int) -> Usage:
    """Of the descendants of `root`, without itself; processes that end meanwhile are left out."""
    total = Usage()
    waiting = _children(root)
    seen = 0
    while waiting and seen < MOST:
        pid = waiting.pop()
        seen += 1
        waiting += _children(pid)
        _add(pid, total)
    return total


def _add(pid: int, total: Usage) -> None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return
    total.cpu_ms += sum(int(ticks) for ticks in stat[11:15]) * 1000 // TICKS
    total.threads += int(stat[17])
    for line in status.splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            total.memory_bytes += int(line.split()[1]) * 1024


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        pass
    return found
