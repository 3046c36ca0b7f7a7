"""Objects as files under `<data>/objects/<prefix>/`: S3 on one machine.

One file holds one line of JSON, `{"type": …}`, and then the content, so that both change in one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from slipway import catalogue, object_names
from slipway.capabilities import UndeclaredUse

from stacks.local.machine import Machine
from stacks.local.object_urls import sign

INCOMING = ".incoming"
ABANDONED_SECONDS = 86400  # an upload that never ended
DAY_SECONDS = 86400


class Stored(NamedTuple):
    """`file` stands at the content's first byte; `size` in bytes; `mtime` in seconds since 1970."""

    file: BinaryIO
    size: int
    content_type: str
    mtime: float


def path(machine: Machine, prefix: str, key: str) -> Path:
    """Where an object lies: its key as one file name, so that `a` and `a/b` can both be. Raises ValueError."""
    if prefix not in {known.name for known in catalogue.PREFIXES}:
        raise ValueError(f"there is no object prefix {prefix!r} in the catalogue")
    name = quote(object_names.check(key), safe="")
    if len(name) > 200:  # file systems take 255 bytes
        name = f"{name[:100]}~{hashlib.sha256(key.encode()).hexdigest()}"
    return Path(machine.data) / "objects" / prefix / name


@contextmanager
def writing(target: Path, content_type: str) -> Iterator[BinaryIO]:
    """A file to write the content to; it becomes the object when the block ends, and nothing when it raises."""
    incoming = target.parent.parent / INCOMING
    for folder in (incoming, target.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = incoming / uuid4().hex
    try:
        with temporary.open("xb") as file:
            file.write(json.dumps({"type": content_type}).encode() + b"\n")
            yield file
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(source: Path) -> Iterator[Stored | None]:
    """The open object, or None when there is none."""
    try:
        file = source.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        header = file.readline()
        status = os.fstat(file.fileno())
        yield Stored(file, status.st_size - len(header), json.loads(header)["type"], status.st_mtime)


def sweep(machine: Machine) -> int:
    """Delete objects older than their prefix' TTL, and uploads that never ended; the number deleted."""
    folder = Path(machine.data) / "objects"
    limits = {folder / prefix.name: prefix.ttl_days * DAY_SECONDS for prefix in catalogue.PREFIXES}
    limits[folder / INCOMING] = ABANDONED_SECONDS
    deleted = 0
    for place, seconds in limits.items():
        oldest = time.time() - seconds
        for file in place.iterdir() if place.is_dir() else ():
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    file.unlink()
                    deleted += 1
    return deleted


class DiskObjects:
    """The ObjectStore of one machine."""

    def __init__(self, machine: Machine, prefix: str, access: str) -> None:
        self._machine = machine
        self._prefix = prefix
        self._access = access

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        self._for_writing()
        with writing(self._path(key), content_type) as file:
            file.write(content)

    def get(self, key: str) -> bytes | None:
        with reading(self._path(key)) as stored:
            return stored.file.read() if stored else None

    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    def url_to_get(self, key: str, seconds: int, filename: str | None = None) -> str:
        object_names.check(key)
        return sign(self._machine, "GET", self._prefix, key, seconds, filename=filename or "")

    def url_to_put(self, key: str, seconds: int, size: int) -> str:
        self._for_writing()
        object_names.check(key)
        return sign(self._machine, "PUT", self._prefix, key, seconds, size=size)

    def _path(self, key: str) -> Path:
        return path(self._machine, self._prefix, key)

    def _for_writing(self) -> None:
        if self._access != "write":
            raise UndeclaredUse(f"{self._prefix}_{self._access} does not write: declare {self._prefix}_write")
