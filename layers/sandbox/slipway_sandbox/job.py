"""What to run, within which limits, and how it ended. Pure: nothing here touches the machine."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

Status = Literal[
    "succeeded",
    "failed",
    "timed_out",
    "memory_exceeded",
    "output_exceeded",
    "disk_exceeded",
    "process_limit",
    "signalled",
    "cancelled",
    "never_started",
    "lost",
]
STATUSES: tuple[Status, ...] = get_args(Status)
Stream = Literal["stdout", "stderr", "system"]

MIB = 1024 * 1024


class BadJob(ValueError):
    """A job, its manifest or its sources cannot be run as they are; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Over the whole run, all its processes together, unless said otherwise. None is unlimited."""

    wall_seconds: float = 30.0
    cpu_seconds: float = 30.0
    memory_bytes: int = 256 * MIB
    processes: int = 64  # threads count
    open_files: int = 256  # per process
    disk_bytes: int = 256 * MIB  # the run's directory and /tmp, each
    file_bytes: int = 64 * MIB  # one file
    output_bytes: int = 1 * MIB  # stdout and stderr together

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise BadJob(f"limits.{name} is {value}: choose from {least} to {most}")


BOUNDS: dict[str, tuple[float, float]] = {
    "wall_seconds": (0.1, 3600),
    "cpu_seconds": (0.1, 4 * 3600),
    "memory_bytes": (16 * MIB, 64 * 1024 * MIB),
    "processes": (1, 4096),
    "open_files": (16, 65536),
    "disk_bytes": (64 * 1024, 16 * 1024 * MIB),
    "file_bytes": (4096, 16 * 1024 * MIB),
    "output_bytes": (0, 64 * MIB),  # also bounds what a worker buffers while nobody takes its reports
}


@dataclass(frozen=True, slots=True)
class Source:
    """`path` is relative, with forward slashes, without `.` and `..`."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`language` and `entry` are detected from the sources when they are None."""

    sources: tuple[Source, ...]
    language: str | None = None
    entry: str | None = None
    arguments: tuple[str, ...] = ()
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended. `exit_code` and `signal` are those of the main process and exclude each other."""

    status: Status
    exit_code: int | None = None
    signal: str | None = None  # SIGSEGV
    wall_ms: int = 0
    cpu_ms: int = 0  # all processes
    peak_memory_bytes: int = 0  # all processes; at least the largest one where nothing better can be known
    output_bytes: int = 0
    disk_bytes: int = 0
    truncated: bool = False  # output beyond the limit was dropped
    isolation: Mapping[str, str] = field(default_factory=dict)  # what was enforced, and by what
    language: str | None = None
    language_version: str | None = None
    reason: str | None = None  # one line for the person who started the run; None when there is nothing to say

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "isolation": dict(self.isolation)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Result:
        """The result in a report; fields that this version does not know are ignored. Raises BadJob."""
        known = {f.name: value[f.name] for f in fields(cls) if f.name in value}
        if known.get("status") not in STATUSES:
            raise BadJob(f"status is {known.get('status')!r}: it must be one of {', '.join(STATUSES)}")
        return cls(**known)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG{number}"


def is_text(value: str) -> bool:
    """Whether a string can be handed to the system: no NUL, no lone surrogates."""
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def check_path(path: str) -> str:
    """The path itself when it stays inside the run's directory; raises BadJob."""
    if not is_text(path) or not 0 < len(path.encode()) <= 1024 or "\\" in path:
        raise BadJob(f"{path[:80]!r} is not a usable file path: use 1 to 1024 bytes with forward slashes")
    if any(part in ("", ".", "..") or len(part.encode()) > 255 for part in path.split("/")):
        raise BadJob(f"{path[:80]!r} must be a relative path without empty, '.' or '..' parts of at most 255 bytes")
    return path
