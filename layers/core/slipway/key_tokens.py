"""API keys as they are sent: `slp_sk_`, 30 random characters, 6 of checksum, all base62 (docs/api-keys.md).

The checksum is the CRC32 of everything before it: a scanner can tell a leaked key from what only looks like one without
asking us, and a key that was cut off or mistyped costs no query.
"""

from __future__ import annotations

import re
import secrets
import zlib

from slipway import db, tokens
from slipway.db import sql

PREFIX = "slp_sk_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_CHARACTERS = 30  # 178 bits
CHECKSUM_CHARACTERS = 6
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_CHARACTERS + CHECKSUM_CHARACTERS}}}")

FIND = sql("select id, user_id, ended from app.find_key(%(token_hash)s)")


def make() -> str:
    """A new key, to be shown once."""
    start = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return start + checksum(start)


def checksum(start: str) -> str:
    """The last six characters of the key that begins with `start`: its CRC32 as a base62 number, filled up with zeros."""
    number, digits = zlib.crc32(start.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def well_formed(token: str) -> bool:
    """Whether this can be a key of ours at all."""
    return bool(_FORM.fullmatch(token)) and checksum(token[:-CHECKSUM_CHARACTERS]) == token[-CHECKSUM_CHARACTERS:]


def context(token: str) -> dict[str, str]:
    """Whose key it is, or nobody with the reason. Who holds a key may know that it was one: only an unknown one is not."""
    if not well_formed(token):
        return _nobody("This is no API key: it was cut off or mistyped, its checksum is wrong.")
    with db.for_platform() as tx:
        found = tx.one(FIND, token_hash=tokens.hashed(token))
    if not found or found["id"] is None:
        return _nobody("The API key is not known.")
    if found["ended"]:
        return _nobody("The API key was revoked or has expired.")
    return {"kind": "user", "user_id": str(found["user_id"]), "key_id": str(found["id"])}


def _nobody(reason: str) -> dict[str, str]:
    return {"kind": "nobody", "reason": reason}
