"""Names of objects: keys that disk, S3 and every URL parser read alike, and the name a download is saved under."""

from __future__ import annotations

import re
from urllib.parse import quote

MAX_KEY_BYTES = 900  # S3 takes 1024 with the prefix
MAX_URL_SECONDS = 7 * 86400  # S3 signs for no longer


def check(key: str) -> str:
    """The key itself; raises ValueError for one that a browser would rewrite or S3 refuse."""
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"object key {key[:100]!r} has an empty, '.' or '..' part: clients would rewrite its URL")
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", key):
        raise ValueError(f"object key {key[:100]!r} has a control character")
    if len(key.encode()) > MAX_KEY_BYTES:
        raise ValueError(f"object key {key[:100]!r}… is longer than {MAX_KEY_BYTES} bytes")
    return key


def lifetime(seconds: int) -> int:
    """The seconds themselves; raises ValueError for a time that no URL is signed for."""
    if not 1 <= seconds <= MAX_URL_SECONDS:
        raise ValueError(f"a signed URL is good for 1 s to {MAX_URL_SECONDS} s, not {seconds}")
    return seconds


def disposition(filename: str) -> str:
    """The Content-Disposition that saves a download as `filename` (RFC 6266: a plain name and the full one)."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%/]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"
