"""Tokens in letters: opaque, 256 bits, kept as a hash, good once, for a time, and for the address they were sent to."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import StringConstraints

from slipway import db, ids, tokens
from slipway.db import Transaction, sql
from slipway.errors import Error

Kind = Literal["verify", "change", "reset", "taken"]
LetterToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]

HOURS: dict[Kind, int] = {"verify": 48, "change": 48, "reset": 1, "taken": 24}
# A letter that was sent so recently will do: nobody's mailbox is filled by asking again and again. "taken" is no
# link; its row only remembers that the owner was told today.
QUIET_SECONDS: dict[Kind, int] = {"verify": 60, "change": 60, "reset": 60, "taken": 24 * 3600}

MAKE = sql(
    """insert into email_tokens as t (user_id, kind, token_hash, email, request_id, expires_at)
       values (%(user_id)s, %(kind)s, %(token_hash)s, %(email)s, %(request_id)s, now() + make_interval(hours => %(hours)s))
       on conflict (user_id, kind) do update
          set token_hash = excluded.token_hash, email = excluded.email, request_id = excluded.request_id,
              created_at = now(), expires_at = excluded.expires_at
        where t.request_id < excluded.request_id
          and (t.created_at < now() - make_interval(secs => %(seconds)s) or t.email <> excluded.email)"""
)
OWNER = sql("select app.email_token_user(%(token_hash)s) as user_id")
TAKE = sql(
    """delete from email_tokens
        where user_id = %(user_id)s and token_hash = %(token_hash)s and kind = any(%(kinds)s) and expires_at > now()
       returning kind, email"""
)
DROP = sql("delete from email_tokens where user_id = %(user_id)s and kind = any(%(kinds)s)")


class Taken(NamedTuple):
    kind: str
    email: str


def make(tx: Transaction, user_id: UUID, kind: Kind, email: str, request_id: UUID | None = None) -> str | None:
    """A token for a letter to this address, ending an older one of its kind; None when no letter is to be sent.

    `request_id` is a UUIDv7 of whoever asked: a message that comes twice, or after a newer one, makes no token.
    """
    token = tokens.opaque("slp_et_")
    made = tx.run(
        MAKE,
        user_id=user_id,
        kind=kind,
        token_hash=tokens.hashed(token),
        email=email,
        request_id=request_id or ids.new(),
        hours=HOURS[kind],
        seconds=QUIET_SECONDS[kind],
    )
    return token if made else None


def owner(token: str) -> UUID:
    """Whose it is; raises invalid_token."""
    with db.for_platform() as tx:
        row = tx.one(OWNER, token_hash=tokens.hashed(token))
    if not row or not row["user_id"]:
        raise Error("invalid_token")
    found: UUID = row["user_id"]
    return found


def take(tx: Transaction, user_id: UUID, token: str, *kinds: Kind) -> Taken:
    """Use it up; raises invalid_token when it is late, used, or of another kind (which it then stays good for)."""
    row = tx.one(TAKE, user_id=user_id, token_hash=tokens.hashed(token), kinds=[*kinds])
    if row is None:
        raise Error("invalid_token")
    return Taken(row["kind"], row["email"])


def drop(tx: Transaction, user_id: UUID, *kinds: Kind) -> None:
    """End the user's of these kinds, or all of them."""
    tx.run(DROP, user_id=user_id, kinds=[*(kinds or HOURS)])
