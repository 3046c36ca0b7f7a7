"""The run's directory, touched from outside only through descriptors: no link is ever followed.

The classic escape from sandboxes of this kind is the supervisor opening a path that the program inside has turned
into a link. So: sources are written before the first process starts, files are read after the last one has gone,
each step of a path is opened with O_NOFOLLOW, and what is opened must be a plain file.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

from slipway_sandbox.jail.identity import Identity
from slipway_sandbox.job import BadJob, Source, check_path

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST_ENTRIES = 20_000  # looked at while searching for files to keep
MOST_DEPTH = 32


class Folder:
    """`fd` stays valid after the sandbox has gone, and pins its file system until it is closed."""

    def __init__(self, fd: int, who: Identity) -> None:
        self.fd = fd
        self.who = who

    def write(self, sources: Iterable[Source]) -> None:
        """Raises BadJob when they do not fit."""
        with self.who.acting():
            for source in sources:
                try:
                    self._write(source)
                except OSError as error:
                    raise BadJob(f"{source.path} cannot be written to the run's directory: {error.strerror}") from None

    def _write(self, source: Source) -> None:
        *folders, name = check_path(source.path).split("/")
        with self._descend(folders, make=True) as parent:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(name, flags, 0o755 if source.content.startswith(b"#!") else 0o644, dir_fd=parent)
            with os.fdopen(fd, "wb") as file:
                file.write(source.content)

    @contextmanager
    def _descend(self, folders: list[str], make: bool = False) -> Iterator[int]:
        fd = os.dup(self.fd)
        try:
            for name in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=fd)
                inner = os.open(name, DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def find(self, patterns: Iterable[str]) -> list[str]:
        """Paths of plain files that match a pattern, sorted. Links, devices and unprintable names are left out."""
        wanted = tuple(patterns)
        if not wanted:
            return []
        with self.who.acting():
            return sorted(path for path in self._walk() if any(matches(path, pattern) for pattern in wanted))

    def _walk(self) -> Iterator[str]:
        waiting: list[list[str]] = [[]]
        seen = 0
        while waiting:
            folders = waiting.pop()
            try:
                with self._descend(folders) as fd, os.scandir(fd) as entries:
                    for entry in entries:
                        seen += 1
                        if seen > MOST_ENTRIES:
                            return
                        if entry.is_dir(follow_symlinks=False) and len(folders) < MOST_DEPTH:
                            waiting.append([*folders, entry.name])
                        elif entry.is_file(follow_symlinks=False):
                            yield from _usable("/".join([*folders, entry.name]))
            except OSError:
                continue  # made unreadable by the program: not a file to keep

    def open(self, path: str) -> int | None:
        """A descriptor of a plain file, or None when the path is anything else. The caller closes it."""
        *folders, name = check_path(path).split("/")
        try:
            with self.who.acting(), self._descend(folders) as parent:
                fd = os.open(name, FILE, dir_fd=parent)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        return None

    def close(self) -> None:
        os.close(self.fd)


def _usable(path: str) -> Iterator[str]:
    try:
        check_path(path)
    except BadJob:
        return
    if path.isprintable():
        yield path


def matches(path: str, pattern: str) -> bool:
    """`*` and `?` match within a folder, `**` any number of folders; `out/**` is everything below out.

    Takes time in proportion to the lengths, whatever the pattern: it comes from whoever started the run.
    """
    parts = pattern.split("/")
    if parts[-1] == "**":
        parts.append("*")
    at = _skip({0}, parts)
    for name in path.split("/"):
        stay = {i for i in at if i < len(parts) and parts[i] == "**"}
        step = {i + 1 for i in at if i < len(parts) and parts[i] != "**" and fnmatchcase(name, parts[i])}
        at = _skip(stay | step, parts)
    return len(parts) in at


def _skip(at: set[int], parts: list[str]) -> set[int]:
    """With every position that is reached when a `**` matches no folder."""
    for i, part in enumerate(parts):
        if i in at and part == "**":
            at.add(i + 1)
    return at
