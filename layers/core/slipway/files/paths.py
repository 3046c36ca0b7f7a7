"""File paths inside a project: relative, normalised, harmless on every file system that a project may be unpacked on."""

from __future__ import annotations

import unicodedata

from slipway.errors import Error

MAX_BYTES = 512
MAX_SEGMENT_BYTES = 200
MAX_DEPTH = 32
# Device names of Windows, where people unpack their exports; and git's own folder.
RESERVED = {"con", "prn", "aux", "nul", ".git"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
# U+FFFD is what a gateway makes of bytes that are not UTF-8: two such names would be one.
FORBIDDEN = set('\\:*?"<>|\ufffd')


def clean(path: str) -> str:
    """The path in Unicode's NFC form; raises invalid_path with the reason."""
    path = unicodedata.normalize("NFC", path)
    if not path or len(path.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _refused(f"A path has 1 to {MAX_BYTES} bytes.")
    segments = path.split("/")
    if len(segments) > MAX_DEPTH:
        raise _refused(f"A path has at most {MAX_DEPTH} folders.")
    for segment in segments:
        _check(segment)
    return path


def key(path: str) -> str:
    """Two paths with one key are one file where letters have no case (Unicode's canonical caseless match)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def folders(path: str) -> list[str]:
    """`a/b/c` → `a`, `a/b`."""
    segments = path.split("/")
    return ["/".join(segments[:i]) for i in range(1, len(segments))]


def _check(segment: str) -> None:
    if segment in ("", ".", ".."):
        raise _refused("A path is relative, without empty, '.' or '..' parts.")
    if len(segment.encode("utf-8", "surrogatepass")) > MAX_SEGMENT_BYTES:
        raise _refused(f"A name has at most {MAX_SEGMENT_BYTES} bytes.")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Cf", "Co", "Cn") or c in FORBIDDEN for c in segment):
        raise _refused('A name has no control or invisible characters and none of \\ : * ? " < > |')
    if segment != segment.strip() or segment.endswith("."):
        raise _refused("A name does not begin or end with a space, nor end with a dot.")
    if segment.casefold().split(".")[0] in RESERVED or segment.casefold() in RESERVED:
        raise _refused(f"The name {segment!r} is reserved.")


def _refused(reason: str) -> Error:
    return Error("invalid_path", reason, errors=[{"pointer": "/path", "code": "invalid_path", "detail": reason}])
