"""One `slipway up` per data folder: a lock file that names the process which holds it.

The kernel drops the lock when its holder dies, however it dies; a file that is left over locks nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "slipway.lock"


class InUse(RuntimeError):
    """Another `slipway up` holds the data folder."""

    def __init__(self, data: Path, pid: int) -> None:
        super().__init__(f"{data} is in use by another slipway up (pid {pid}): end it with slipway down --data {data}")
        self.pid = pid


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the folder; raises InUse, or OSError when the folder is not writable. The file is gone afterwards."""
    path = data / NAME
    fd = acquire(path)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(fd)


def acquire(path: Path) -> int:
    """The locked descriptor. Tries for 0.2 s, because `holder` takes the lock for the moment of its look."""
    deadline = time.monotonic() + 0.2
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(fd).st_ino:
                return fd  # and not a file that its holder was just removing
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise InUse(path.parent, written(path)) from None
        os.close(fd)
        time.sleep(0.02)


def holder(data: Path) -> int | None:
    """The pid of the `slipway up` that runs on this folder, or None."""
    with suppress(OSError), (data / NAME).open("rb") as file:  # nothing there, or not for us to see
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return written(data / NAME)
    return None


def written(path: Path) -> int:
    """The pid in the file; 0 in the moment before its holder has written it."""
    with suppress(FileNotFoundError, ValueError):
        return int(path.read_text())
    return 0
