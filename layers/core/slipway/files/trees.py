"""A whole project at one moment: a sorted list of (path, content), addressed by its own hash."""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple
from uuid import UUID

from slipway.db import Transaction, sql
from slipway.files import blobs


class Entry(NamedTuple):
    """`sha256` in hex, `size` in bytes."""

    path: str
    sha256: str
    size: int


FILES = sql(
    """select path, encode(sha256, 'hex') as sha256, size from files
        where team_id = %(team_id)s and project_id = %(project_id)s order by path collate "C" """
)
PUT = sql(
    """insert into trees (team_id, sha256, entries, files, bytes)
       values (%(team_id)s, %(sha256)s, %(entries)s, %(files)s, %(bytes)s) on conflict do nothing"""
)
GET = sql("select entries, bytes from trees where team_id = %(team_id)s and sha256 = %(sha256)s")


def take(tx: Transaction, team_id: UUID, project_id: UUID) -> tuple[bytes, list[Entry]]:
    """Keep the project's tree as it is in this transaction; its hash and its entries. Same files, same tree."""
    entries = [Entry(**row) for row in tx.all(FILES, team_id=team_id, project_id=project_id)]
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    sha256 = hashlib.sha256(text.encode()).digest()
    tx.run(
        PUT,
        team_id=team_id,
        sha256=sha256,
        entries=text,
        files=len(entries),
        bytes=sum(entry.size for entry in entries),
    )
    return sha256, entries


def contents(tx: Transaction, team_id: UUID, sha256: bytes) -> dict[str, bytes]:
    """Path to content, for every file of a tree."""
    row = tx.one(GET, team_id=team_id, sha256=sha256)
    if row is None:
        raise LookupError(f"tree {sha256.hex()} is missing")
    entries = [Entry(*entry) for entry in row["entries"]]
    found = blobs.get(tx, team_id, [bytes.fromhex(entry.sha256) for entry in entries])
    return {entry.path: found[bytes.fromhex(entry.sha256)] for entry in entries}
