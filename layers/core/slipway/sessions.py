"""Sessions: one login on one device, a family of refresh tokens of which the newest is exchanged for the next."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel

from slipway import account_events, db, ids, networks, tokens, users
from slipway.caller import Caller, Origin
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import SessionId
from slipway.pages import before, page
from slipway.reply import Page
from slipway.texts import Input
from slipway.users import User

SESSION_DAYS = 60
GRACE_SECONDS = 10  # a second tab may use the same refresh token this long after the first did


class Session(BaseModel):
    """`access_token` goes into `Authorization: Bearer`; exchange `refresh_token` for the next pair before it expires."""

    user: User
    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str


class Refresh(Input):
    refresh_token: str


class Device(BaseModel):
    """An open session as its owner sees it. `address` and `last_used_at`, to the minute, are those of the last refresh;
    `current` is the session that asks."""

    id: SessionId
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


# `for share` holds a change of the password off: it ends either this session or this statement.
OPEN = sql(
    """with person as (
         select id, email, name, email_verified_at, created_at from users
          where id = %(user_id)s and (%(password_hash)s::text is null or password_hash = %(password_hash)s) for share
       ), opened as (
         insert into sessions (user_id, id, user_agent, address, network, last_used_at, expires_at)
         select id, %(session_id)s, %(user_agent)s, %(address)s, %(network)s, date_trunc('minute', now()),
                now() + make_interval(days => %(days)s) from person
       ), kept as (
         insert into refresh_tokens (token_hash, user_id, session_id) select %(token_hash)s, id, %(session_id)s from person
       )
       select id, email, name, email_verified_at, created_at,
              app.forget_attempts(%(account)s, %(network)s, %(known)s) is null as forgotten from person"""
)
FIND_REFRESH = sql("select app.refresh_token_user(%(token_hash)s) as user_id")
LOCK_REFRESH = sql(
    """select t.session_id, t.used_at, s.revoked_at is null and s.expires_at > now() as session_open,
              t.used_at < now() - make_interval(secs => %(grace)s)
                or exists (select from refresh_tokens c where c.parent_hash = t.token_hash and c.used_at is not null)
                as reused
         from refresh_tokens t join sessions s on s.user_id = t.user_id and s.id = t.session_id
        where t.token_hash = %(token_hash)s and t.user_id = %(user_id)s for update of s"""
)
EXCHANGE = sql(
    """with used as (
         update refresh_tokens set used_at = coalesce(used_at, now())
          where token_hash = %(token_hash)s and user_id = %(user_id)s
       ), seen as (
         update sessions set last_used_at = date_trunc('minute', now()), address = coalesce(nullif(%(address)s, ''), address)
          where user_id = %(user_id)s and id = %(session_id)s
       ), kept as (
         insert into refresh_tokens (token_hash, parent_hash, user_id, session_id)
         values (%(child_hash)s, %(token_hash)s, %(user_id)s, %(session_id)s)
       )
       select id, email, name, email_verified_at, created_at from users where id = %(user_id)s"""
)
LIST = sql(
    """select id, user_agent, address, created_at, last_used_at, expires_at, id = %(session_id)s as current from sessions
        where user_id = %(user_id)s and id < %(before)s and revoked_at is null and expires_at > now()
        order by id desc limit %(limit)s"""
)
REVOKE = sql("update sessions set revoked_at = coalesce(revoked_at, now()) where user_id = %(user_id)s and id = %(id)s")
REVOKE_ALL = sql(
    """update sessions set revoked_at = now()
        where user_id = %(user_id)s and revoked_at is null and id is distinct from %(session_id)s::uuid"""
)


class Proof(NamedTuple):
    """The password that was right, as it is kept, and whose count of failures ends with it (logins.py)."""

    password_hash: str
    account: bytes
    known: bool


def open(tx: Transaction, user_id: UUID, origin: Origin, proof: Proof | None = None) -> Session:
    """A session for who has proved who they are, in a transaction of theirs. Raises invalid_credentials when the password
    has changed since it was looked at."""
    session_id, token = ids.new(), tokens.opaque("slp_rt_")
    row = tx.one(
        OPEN,
        user_id=user_id,
        session_id=session_id,
        password_hash=proof.password_hash if proof else None,
        account=proof.account if proof else None,
        known=proof.known if proof else None,
        token_hash=tokens.hashed(token),
        user_agent=origin.user_agent,
        address=origin.address,
        network=networks.of(origin.address),
        days=SESSION_DAYS,
    )
    if row is None:
        raise Error("invalid_credentials")
    account_events.record(tx, user_id, origin, "session.opened", {"session_id": ids.encode("ses", session_id)})
    return _pair(tx, users.read(row), session_id, token)


def refresh(refresh: Refresh, origin: Origin) -> Session:
    """Exchange a refresh token for the next pair; one that was used before ends the whole session."""
    token_hash = tokens.hashed(refresh.refresh_token)
    with db.for_platform() as tx:
        row = tx.one(FIND_REFRESH, token_hash=token_hash)
    if not row or not row["user_id"]:
        raise Error("invalid_refresh_token")
    with db.for_user(row["user_id"]) as tx:
        session = _exchange(tx, row["user_id"], token_hash, origin)
    if session is None:
        raise Error("invalid_refresh_token")
    return session


def _exchange(tx: Transaction, user_id: UUID, token_hash: bytes, origin: Origin) -> Session | None:
    """None where the token is no good; then the revocation is to be committed, so nothing is raised here."""
    found = tx.one(LOCK_REFRESH, token_hash=token_hash, user_id=user_id, grace=GRACE_SECONDS)
    if not found or not found["session_open"]:
        return None
    session_id, child = found["session_id"], tokens.opaque("slp_rt_")
    if found["reused"]:
        tx.run(REVOKE, user_id=user_id, id=session_id)
        account_events.record(
            tx, user_id, origin, "session.token_reused", {"session_id": ids.encode("ses", session_id)}
        )
        return None
    row = tx.one(
        EXCHANGE,
        user_id=user_id,
        session_id=session_id,
        token_hash=token_hash,
        child_hash=tokens.hashed(child),
        address=origin.address,
    )
    return _pair(tx, users.read(row), session_id, child)


def _pair(tx: Transaction, user: User, session_id: UUID, refresh_token: str) -> Session:
    from slipway import access_tokens  # only who opens or renews a session signs

    access_token = access_tokens.issue(tx, user.id, session_id)
    return Session(
        user=user, access_token=access_token, expires_in=access_tokens.ACCESS_SECONDS, refresh_token=refresh_token
    )


def log_out(tx: Transaction, caller: Caller) -> None:
    """End the session that asks, with everything that was issued in it."""
    revoke(tx, caller, caller.session_id)


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Device]:
    """The caller's open sessions, newest first."""
    rows = tx.all(LIST, user_id=caller.user_id, session_id=caller.session_id, before=before(cursor), limit=limit + 1)
    return page(Device, rows, limit)


def revoke(tx: Transaction, caller: Caller, session_id: UUID) -> None:
    """End one of the caller's sessions, ended before or not; raises not_found for anybody else's."""
    if not tx.run(REVOKE, user_id=caller.user_id, id=session_id):
        raise Error("not_found")
    account_events.record(tx, caller.user_id, caller, "session.revoked", {"session_id": ids.encode("ses", session_id)})


def log_out_everywhere(tx: Transaction, caller: Caller, here_too: bool) -> None:
    ended = revoke_all(tx, caller.user_id, None if here_too else caller.session_id)
    account_events.record(tx, caller.user_id, caller, "sessions.revoked", {"sessions": ended})


def revoke_all(tx: Transaction, user_id: UUID, but: UUID | None = None) -> int:
    """End all of a user's sessions but one; returns how many."""
    return tx.run(REVOKE_ALL, user_id=user_id, session_id=but)
