"""Contents, addressed by their sha-256 within a team and compressed where that helps."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from uuid import UUID

from slipway import quotas
from slipway.db import Transaction, sql

PUT = sql(
    """insert into blobs (team_id, sha256, size, encoding, content)
       values (%(team_id)s, %(sha256)s, %(size)s, %(encoding)s, %(content)s) on conflict do nothing"""
)
GET = sql("select sha256, encoding, content from blobs where team_id = %(team_id)s and sha256 = any(%(sha256s)s)")


def put(tx: Transaction, team_id: UUID, content: bytes) -> bytes:
    """Keep a content; returns its sha-256. Counts a new one for the team's storage, right before the commit: the whole
    team waits for that counter. Raises quota_exceeded then."""
    sha256 = hashlib.sha256(content).digest()
    packed = zlib.compress(content, 3)
    smaller = len(packed) < len(content) * 0.9
    new = tx.run(
        PUT,
        team_id=team_id,
        sha256=sha256,
        size=len(content),
        encoding="deflate" if smaller else "identity",
        content=packed if smaller else content,
    )
    if new and content:
        tx.last(_count, (team_id, len(content)))
    return sha256


def _count(tx: Transaction, kept: list[tuple[UUID, int]]) -> None:
    for team_id, size in kept:
        quotas.count(tx, team_id, "storage_bytes", size)


def get(tx: Transaction, team_id: UUID, sha256s: Sequence[bytes]) -> dict[bytes, bytes]:
    """The contents by their sha-256."""
    rows = tx.all(GET, team_id=team_id, sha256s=list(sha256s))
    return {r["sha256"]: zlib.decompress(r["content"]) if r["encoding"] == "deflate" else r["content"] for r in rows}
