"""As whom the sandbox runs on the host. A run started by root gets a uid that nobody else has."""

from __future__ import annotations

import ctypes
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Above what distributions and systemd hand out (their highest is 1,879,048,191), below the sign bit.
FIRST_UID = 1_900_000_000
UIDS = 200_000_000


@dataclass(frozen=True, slots=True)
class Identity:
    """uid and gid on the host; inside the sandbox they are always 1000."""

    uid: int
    gid: int
    own: bool  # whether no other process of the host has this uid

    def start_options(self) -> dict[str, object]:
        """For subprocess.Popen."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.own else {}

    def give(self, fd: int) -> None:
        """Let the sandbox reopen a pipe of ours through /dev/stdout and the like."""
        if self.own:
            os.fchown(fd, self.uid, self.gid)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Touch files with the sandbox's rights instead of ours (this thread only)."""
        if not self.own:
            yield
            return
        libc = ctypes.CDLL(None)
        libc.setfsgid(self.gid)
        libc.setfsuid(self.uid)
        try:
            yield
        finally:
            libc.setfsuid(os.geteuid())
            libc.setfsgid(os.getegid())


def candidates(folders: Iterable[str]) -> tuple[Identity, ...]:
    """Best first. `folders` are what it must be able to reach. A container may map too few uids for the first, or a
    policy may forbid it namespaces."""
    mine = Identity(os.geteuid(), os.getegid(), own=False)
    if mine.uid != 0 or not all(open_to_all(folder) for folder in folders):
        return (mine,)
    uid = FIRST_UID + secrets.randbelow(UIDS)
    return Identity(uid, uid, own=True), mine


def open_to_all(folder: str) -> bool:
    """Whether any user of the host may enter it: bubblewrap resolves paths with its own rights."""
    path = Path(os.path.realpath(folder))
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))
