"""Ending a `slipway up` from elsewhere."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from stacks.local import lock

SECONDS = 60.0  # its children have ten, then Postgres writes out what it holds


class StillRunning(RuntimeError):
    """It did not end in time."""


def run(data: Path) -> int | None:
    """Returns the pid that has ended, or None when nothing ran; raises StillRunning."""
    pid = lock.holder(data)
    if not pid:
        return None
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        raise StillRunning(f"slipway up (pid {pid}) belongs to another user: end it as that user or as root") from None
    deadline = time.monotonic() + SECONDS
    while lock.holder(data) == pid:
        if time.monotonic() > deadline:
            raise StillRunning(f"slipway up (pid {pid}) has not ended after {SECONDS:.0f} s: kill -9 {pid} is safe")
        time.sleep(0.05)
    return pid
