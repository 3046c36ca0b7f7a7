"""Reading the logs of one machine: the last lines of each, and what is added."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.2


class NoSuchLog(LookupError):
    """There is no log of this name, or none at all."""


def read(folder: Path, name: str | None, lines: int, follow: bool) -> Iterator[tuple[str, str]]:
    """(log, line) of the last `lines` of each log, or of those of one name; then, with `follow`, for ever what comes.

    Of one name are the logs of several processes that do the same: `http-1` and `http-2` are `http`.
    """
    found = sorted(folder.glob("*.log"))
    paths = [path for path in found if name in (None, path.stem, re.sub(r"-\d+$", "", path.stem))]
    if not paths:
        there = ", ".join(path.stem for path in found) or "none yet"
        raise NoSuchLog(f"there is no log {name or ''} in {folder}, there is: {there}")
    ends = {}
    for path in paths:
        with path.open("rb") as file:
            for line in deque(file, lines):
                yield path.stem, text(line)
            ends[path] = file.tell()
    while follow:
        time.sleep(POLL_SECONDS)
        for path in paths:
            for fresh in added(path, ends):
                yield path.stem, fresh


def added(path: Path, ends: dict[Path, int]) -> Iterator[str]:
    """Whole lines since `ends`, which moves on; from the beginning again when a new log has taken its place."""
    if not path.exists():
        return
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(ends[path] if ends[path] <= size else 0)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        ends[path] = file.tell() - len(content) + len(whole)
    yield from map(text, whole.splitlines())


def text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\n")
