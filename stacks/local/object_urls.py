"""Signed object URLs of one machine, in place of S3's presigned ones: method, key, expiry, size and name are signed."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from slipway import object_names

from stacks.local.machine import Machine

MOUNT = "/_objects/"


class BadSignature(Exception):
    """The URL was not signed by this machine, was changed, is for another method, or has expired."""


def sign(
    machine: Machine, method: str, prefix: str, key: str, seconds: int, *, size: int | None = None, filename: str = ""
) -> str:
    """A URL for `method` GET or PUT; `size` in bytes for PUT. Raises ValueError for more than a week."""
    query = {"expires": str(int(time.time()) + object_names.lifetime(seconds))}
    if size is not None:
        query["size"] = str(size)
    if filename:
        query["filename"] = filename
    query["signature"] = _signature(machine, method, prefix, key, query)
    return f"{machine.public_url}{MOUNT}{prefix}/{quote(key)}?{urlencode(query, quote_via=quote)}"


def verify(machine: Machine, method: str, prefix: str, key: str, query: Mapping[str, str]) -> None:
    """Raises BadSignature. A HEAD is signed as the GET that it stands for."""
    signed = _signature(machine, "GET" if method == "HEAD" else method, prefix, key, query)
    if not hmac.compare_digest(signed.encode(), query.get("signature", "").encode(errors="replace")):
        raise BadSignature("the signature does not match this method and URL")
    if int(query["expires"]) < time.time():
        raise BadSignature("the URL has expired: ask for a new one")


def _signature(machine: Machine, method: str, prefix: str, key: str, query: Mapping[str, str]) -> str:
    """Over every part, each with its length before it, so that no part can take a piece of its neighbour."""
    parts = [method, prefix, key, *(query.get(name, "") for name in ("expires", "size", "filename"))]
    message = b"".join(len(data).to_bytes(4, "big") + data for data in (part.encode() for part in parts))
    return hmac.new(bytes.fromhex(machine.object_secret), message, hashlib.sha256).hexdigest()
