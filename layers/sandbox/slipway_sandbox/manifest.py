"""The manifest that a dispatcher pushes to a worker: a job, and where to report about it. JSON, decoded strictly."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

from slipway_sandbox.job import BadJob, Job, Limits, Source, check_path, is_text

MAX_FILES = 5000
MAX_SOURCE_BYTES = 64 * 1024 * 1024  # all sources of a run together, unpacked
MAX_TEXT = 64 * 1024  # arguments together, and environment together, in bytes
RESERVED = frozenset({"PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH"})

T = TypeVar("T")


class BadManifest(BadJob):
    """The manifest is malformed; the message names the field and what it must be."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Sources as a zip to download; `sha256` is that of the zip, lower-case hex."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of the run's directory to keep. Patterns: `*` within a folder, `**` across folders."""

    patterns: tuple[str, ...] = ()
    max_files: int = 100
    max_bytes: int = 10 * 1024 * 1024  # all together


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`job.sources` is empty while `bundle` is still to be fetched."""

    run_id: str
    attempt: int
    token: str = field(repr=False)
    report_url: str
    job: Job
    bundle: Bundle | None = None
    artifacts: Wanted = field(default_factory=Wanted)


def decode(value: Any) -> Manifest:
    """The manifest in a decoded JSON value; raises BadManifest, never anything else."""
    try:
        return _decode(_Reader(value, ""))
    except BadManifest:
        raise
    except (BadJob, RecursionError) as error:
        raise BadManifest(str(error)) from None


class _Reader:
    """Takes the fields of one JSON object, each once; what is left over is unknown and refused."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise BadManifest(f"{where.rstrip('.') or 'the manifest'} must be a JSON object")
        self.left = dict(value)
        self.where = where

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        value = self.left.pop(name, None)
        if value is None and default is not None:
            return default
        wrong = not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))
        if wrong:
            raise BadManifest(f"{self.where}{name} must be a {NAMES[kind]}")
        return value  # type: ignore[no-any-return]

    def maybe(self, name: str) -> str | None:
        if self.left.get(name) is None:
            self.left.pop(name, None)
            return None
        return self.take(name, str)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.take(name, list, [])
        if not all(isinstance(v, str) and is_text(v) for v in values):
            raise BadManifest(f"{self.where}{name} must be a list of strings of Unicode text without NUL")
        return tuple(values)

    def done(self) -> None:
        if self.left:
            raise BadManifest(f"{self.where}{min(map(str, self.left))} is not a field of the manifest: leave it out")


NAMES: dict[type, str] = {str: "string", int: "whole number", list: "list", dict: "JSON object"}


def _decode(reader: _Reader) -> Manifest:
    bundle, sources = _sources(_Reader(reader.take("sources", dict), "sources."))
    manifest = Manifest(
        run_id=reader.take("run_id", str),
        attempt=reader.take("attempt", int),
        token=reader.take("token", str),
        report_url=_url(reader.take("report_url", str), "report_url"),
        job=_job(reader, sources),
        bundle=bundle,
        artifacts=_wanted(_Reader(reader.take("artifacts", dict, {}), "artifacts.")),
    )
    reader.done()
    if manifest.attempt < 1 or not manifest.run_id or not manifest.token.isascii() or not manifest.token.isprintable():
        raise BadManifest("run_id, a printable token and an attempt of at least 1 are needed")
    return manifest


def _job(reader: _Reader, sources: tuple[Source, ...]) -> Job:
    entry = reader.maybe("entry")
    job = Job(
        sources=sources,
        language=reader.maybe("language"),
        entry=check_path(entry) if entry is not None else None,
        arguments=reader.texts("arguments"),
        stdin=_bytes(reader.take("stdin_base64", str, ""), "stdin_base64"),
        environment=_environment(reader.take("environment", dict, {})),
        limits=_limits(_Reader(reader.take("limits", dict, {}), "limits.")),
    )
    if sum(len(a.encode()) + 1 for a in job.arguments) > MAX_TEXT:
        raise BadManifest(f"arguments are longer than {MAX_TEXT} bytes: pass the data in a file or on stdin")
    return job


def _environment(value: dict[Any, Any]) -> dict[str, str]:
    for name, text in value.items():
        if not name or not isinstance(text, str) or "=" in name or not is_text(name + text):
            raise BadManifest(
                f"environment.{name!r} must be a string of Unicode text without NUL, its name without '='"
            )
        if name in RESERVED:
            raise BadManifest(f"environment.{name} is set by the sandbox: choose another name")
    if sum(len((n + t).encode()) + 2 for n, t in value.items()) > MAX_TEXT:
        raise BadManifest(f"environment is longer than {MAX_TEXT} bytes: pass the data in a file or on stdin")
    return value


def _limits(reader: _Reader) -> Limits:
    chosen: dict[str, Any] = {}
    for known in fields(Limits):
        if reader.left.get(known.name) is not None:
            number = reader.left.pop(known.name)
            whole = known.type == "int"
            if isinstance(number, bool) or not isinstance(number, int if whole else (int, float)):
                raise BadManifest(f"limits.{known.name} must be a {'whole number' if whole else 'number'}")
            chosen[known.name] = number
    reader.done()
    return Limits(**chosen)


def _sources(reader: _Reader) -> tuple[Bundle | None, tuple[Source, ...]]:
    if "bundle_url" in reader.left:
        bundle = Bundle(_url(reader.take("bundle_url", str), "sources.bundle_url"), reader.take("sha256", str))
        if len(bundle.sha256) != 64 or set(bundle.sha256) - set("0123456789abcdef"):
            raise BadManifest("sources.sha256 must be 64 lower-case hex digits")
        reader.done()
        return bundle, ()
    sources = tuple(
        _source(_Reader(item, f"sources.inline.{n}.")) for n, item in enumerate(reader.take("inline", list))
    )
    reader.done()
    check_sources(sources)
    return None, sources


def _source(reader: _Reader) -> Source:
    path = reader.take("path", str)
    source = Source(check_path(path), _bytes(reader.take("content_base64", str), f"{reader.where}content_base64"))
    reader.done()
    return source


def check_sources(sources: tuple[Source, ...]) -> None:
    """Raises BadManifest when they are none, too many, too large, or two of them cannot stand beside each other."""
    if not sources or len(sources) > MAX_FILES:
        raise BadManifest(f"sources hold {len(sources)} files: send 1 to {MAX_FILES}")
    if sum(len(s.content) for s in sources) > MAX_SOURCE_BYTES:
        raise BadManifest(f"sources are larger than {MAX_SOURCE_BYTES} bytes together: leave out what the run can make")
    files = {s.path for s in sources}
    folders = {path[:i] for path in files for i, char in enumerate(path) if char == "/"}
    if len(files) != len(sources) or files & folders:
        raise BadManifest("sources name a path twice, or as a file and as a folder")


def _wanted(reader: _Reader) -> Wanted:
    wanted = Wanted(
        reader.texts("patterns"), reader.take("max_files", int, 100), reader.take("max_bytes", int, 10 << 20)
    )
    reader.done()
    if len(wanted.patterns) > 100 or any(len(p) > 1024 for p in wanted.patterns):
        raise BadManifest("artifacts.patterns must be at most 100 patterns of at most 1024 characters")
    if not 0 <= wanted.max_files <= 1000 or not 0 <= wanted.max_bytes <= 1 << 30:
        raise BadManifest("artifacts may keep at most 1000 files and 1 GiB")
    return wanted


def _bytes(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadManifest(f"{where} must be base64") from None


def _url(text: str, where: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isascii()
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in text):
        raise BadManifest(f"{where} must be an http or https URL")
    return text.rstrip("/")
