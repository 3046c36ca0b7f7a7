"""The HTTP processes of a running platform, seen from another process: start them anew, so that they forget what they
remember (verdicts of the authorizer, keys of access tokens)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from stacks.local import ports

COMMAND = ["-m", "stacks.local.gateway", "http"]
SECONDS = 60.0  # ten to finish what it has in work, the rest for its successor on a busy machine


class NotBack(RuntimeError):
    """A process that was ended has no successor yet."""


def of(supervisor: int) -> list[int]:
    """Their pids."""
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _is_one(folder, supervisor)]


def renew(supervisor: int, port: int) -> int:
    """End each with SIGTERM, one after the other, and wait until its supervisor's next one answers; how many it were.
    Requests in work are finished, and the others answer meanwhile. Raises NotBack."""
    pids = of(supervisor)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + SECONDS
        while (Path("/proc") / str(pid)).exists() or ports.listening(port) < len(pids):
            if time.monotonic() > deadline:
                raise NotBack(f"an HTTP process has not come back after {SECONDS:.0f} s: see `slipway logs http`")
            time.sleep(0.05)
    return len(pids)


def _is_one(folder: Path, supervisor: int) -> bool:
    with suppress(OSError):  # it has ended meanwhile, or is somebody else's
        parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        return parent == supervisor and (folder / "cmdline").read_text().split("\0")[1:4] == COMMAND
    return False
