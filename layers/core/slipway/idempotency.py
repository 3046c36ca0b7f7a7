"""`Idempotency-Key`: a request that is sent again is answered again, not done again (draft-ietf-httpapi-idempotency-key-07).

The answer is written in the transaction of the effect: either both are there or neither. A second request with the key
waits for the first one's commit, at most five seconds. The key counts for who sent it, with which credential, on which
route (TRAPS 24), for 24 hours; the permission is checked before a kept answer is shown.

Kept are successes and what the route itself refused (4xx), because a client that retries must not hear another answer
than the one it missed. Not kept: refusals before the route began (not allowed, not valid), failures (5xx), and what
the next try may find otherwise: a quota that is used up (402), a slot that is not free (429).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import NamedTuple

import psycopg.errors

from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error

LONGEST = 255
PASSING = (402, 429)
REPLAYED = {"idempotency-replayed": "true"}

CLAIM = sql("select app.claim_idempotency(%(user_id)s, %(key_hash)s, %(request_hash)s) as claimed")
GET = sql(
    """select request_hash, status, headers, body from idempotency_keys
        where user_id = %(user_id)s and key_hash = %(key_hash)s"""
)
KEEP = sql(
    """update idempotency_keys set status = %(status)s, headers = %(headers)s, body = %(body)s
        where user_id = %(user_id)s and key_hash = %(key_hash)s"""
)


class Answer(NamedTuple):
    """A response before a shell shapes it; `body` is text, or bytes as they are."""

    status: int
    headers: dict[str, str]
    body: str | bytes


class Sent(NamedTuple):
    """What was sent: the path, the key ("" for none) and a hash of path, query and body."""

    path: str
    key: str = ""
    request_hash: bytes = b""


def sent(path: str, key: str, *parts: str | bytes) -> Sent:
    """Raises invalid for a key that is empty, too long or not printable."""
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Error("invalid", f"Idempotency-Key: send 1 to {LONGEST} printable ASCII characters.")
    digest = hashlib.sha256()
    for part in (path, *parts):
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8) + data)
    return Sent(path, key, digest.digest())


def once(
    tx: Transaction,
    caller: Caller,
    route: str,
    sent: Sent,
    act: Callable[[], Answer],
    explain: Callable[[Error], Answer],
) -> Answer:
    """What `act` answers, or what it answered the first time; `explain` words a refusal of its own."""
    scope = f"{caller.key_id or 'login'} {route} {sent.key}"
    key = {"user_id": caller.user_id, "key_hash": hashlib.sha256(scope.encode()).digest()}
    try:
        claimed = tx.one(CLAIM, **key, request_hash=sent.request_hash)
    except psycopg.errors.LockNotAvailable:
        raise Error("idempotency_in_progress", headers={"retry-after": "1"}) from None
    if not claimed or not claimed["claimed"]:
        return _again(tx.one(GET, **key), sent)
    tx.mark()
    try:
        answer = act()
        tx.finish()
    except Error as error:
        if error.status >= 500 or error.status in PASSING:
            raise
        tx.undo()
        answer = explain(error)
    if isinstance(answer.body, bytes):
        raise TypeError(f"{route} answers bytes: declare it with idempotency='none'")
    tx.run(KEEP, **key, status=answer.status, headers=json.dumps(answer.headers), body=answer.body)
    return answer


def _again(kept: Row | None, sent: Sent) -> Answer:
    if kept is None or kept["status"] is None:
        raise Error("idempotency_in_progress", headers={"retry-after": "1"})
    if kept["request_hash"] != sent.request_hash:
        raise Error("idempotency_key_reused", "Use a new key for another request.")
    return Answer(kept["status"], {**kept["headers"], **REPLAYED}, kept["body"])
