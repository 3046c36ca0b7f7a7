"""People: registering, logging in, staying logged in."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg.errors
from pydantic import BaseModel

from slipway import access_tokens, db, ids, tokens
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.ids import UserId
from slipway.texts import Email, Input, Name, Password

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SESSION_DAYS = 60
GRACE_SECONDS = 10  # a second tab may use the same refresh token this long after the first did
_hashing = threading.BoundedSemaphore(2)  # 19 MiB each: a burst of logins must not exhaust the machine


class User(BaseModel):
    id: UserId
    email: str
    name: str
    created_at: datetime


class Session(BaseModel):
    """`access_token` goes into `Authorization: Bearer`; exchange `refresh_token` for the next pair before it expires."""

    user: User
    access_token: str
    token_type: str = "Bearer"
    expires_in: int = access_tokens.ACCESS_SECONDS
    refresh_token: str


class Registration(Input):
    email: Email
    password: Password
    name: Name


class Login(Input):
    email: Email
    password: Password


class Refresh(Input):
    refresh_token: str


INSERT_USER = sql(
    """insert into users (id, email, name, password_hash) values (%(id)s, %(email)s, %(name)s, %(password_hash)s)
       returning id, email, name, created_at"""
)
FIND_LOGIN = sql("select id, password_hash from app.login_user(%(email)s)")
GET_USER = sql("select id, email, name, created_at from users where id = %(id)s")
INSERT_SESSION = sql(
    """insert into sessions (user_id, id, user_agent, expires_at)
       values (%(user_id)s, %(id)s, %(user_agent)s, now() + make_interval(days => %(days)s))"""
)
INSERT_REFRESH = sql(
    """insert into refresh_tokens (token_hash, parent_hash, user_id, session_id)
       values (%(token_hash)s, %(parent_hash)s, %(user_id)s, %(session_id)s)"""
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
USE_REFRESH = sql("update refresh_tokens set used_at = coalesce(used_at, now()) where token_hash = %(token_hash)s")
REVOKE_SESSION = sql(
    "update sessions set revoked_at = coalesce(revoked_at, now()) where user_id = %(user_id)s and id = %(id)s"
)


@cache
def _hasher() -> PasswordHasher:
    """argon2id with OWASP's smallest recommended parameters: 79 ms here, where the library's default costs 350."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@cache
def _dummy_hash() -> str:
    return _hasher().hash("nobody has this password")


def register(registration: Registration, user_agent: str) -> Session:
    """Create a user and log in."""
    with _hashing:
        password_hash = _hasher().hash(registration.password)
    user_id = ids.new()
    try:
        with db.for_user(user_id) as tx:
            row = tx.one(
                INSERT_USER,
                id=user_id,
                email=registration.email,
                name=registration.name,
                password_hash=password_hash,
            )
            return _open_session(tx, User.model_validate(row), user_agent)
    except psycopg.errors.UniqueViolation:
        raise Error("email_taken", "Log in instead, or register with another address.") from None


def log_in(login: Login, user_agent: str) -> Session:
    """Same answer and same work for a wrong password and an unknown address."""
    from argon2.exceptions import VerificationError

    with db.for_platform() as tx:
        found = tx.one(FIND_LOGIN, email=login.email)
    with _hashing:
        try:
            _hasher().verify(found["password_hash"] if found else _dummy_hash(), login.password)
        except VerificationError:
            raise Error("invalid_credentials") from None
    if not found:
        raise Error("invalid_credentials")
    with db.for_user(found["id"]) as tx:
        return _open_session(tx, _user(tx, found["id"]), user_agent)


def refresh(refresh: Refresh) -> Session:
    """Exchange a refresh token for the next pair; one that was used before ends the whole session."""
    token_hash = tokens.hashed(refresh.refresh_token)
    with db.for_platform() as tx:
        row = tx.one(FIND_REFRESH, token_hash=token_hash)
    if not row or not row["user_id"]:
        raise Error("invalid_refresh_token")
    with db.for_user(row["user_id"]) as tx:
        session = _exchange(tx, row["user_id"], token_hash)
    if session is None:
        raise Error("invalid_refresh_token")
    return session


def _exchange(tx: Transaction, user_id: UUID, token_hash: bytes) -> Session | None:
    """None where the token is no good; then the revocation is to be committed, so nothing is raised here."""
    found = tx.one(LOCK_REFRESH, token_hash=token_hash, user_id=user_id, grace=GRACE_SECONDS)
    if not found or not found["session_open"]:
        return None
    if found["reused"]:
        tx.run(REVOKE_SESSION, user_id=user_id, id=found["session_id"])
        return None
    tx.run(USE_REFRESH, token_hash=token_hash)
    return _issue(tx, _user(tx, user_id), found["session_id"], token_hash)


def log_out(tx: Transaction, caller: Caller) -> None:
    """End the session: its refresh tokens are worthless, its access token lives out its quarter of an hour."""
    tx.run(REVOKE_SESSION, user_id=caller.user_id, id=caller.session_id)


def me(tx: Transaction, caller: Caller) -> User:
    return _user(tx, caller.user_id)


def _user(tx: Transaction, user_id: UUID) -> User:
    row = tx.one(GET_USER, id=user_id)
    if row is None:
        raise Error("unauthenticated", "This account no longer exists.")
    return User.model_validate(row)


def _open_session(tx: Transaction, user: User, user_agent: str) -> Session:
    session_id = ids.new()
    tx.run(INSERT_SESSION, user_id=user.id, id=session_id, user_agent=user_agent[:300], days=SESSION_DAYS)
    return _issue(tx, user, session_id, None)


def _issue(tx: Transaction, user: User, session_id: UUID, parent_hash: bytes | None) -> Session:
    token = tokens.opaque("slp_rt_")
    tx.run(
        INSERT_REFRESH,
        token_hash=tokens.hashed(token),
        parent_hash=parent_hash,
        user_id=user.id,
        session_id=session_id,
    )
    return Session(user=user, access_token=access_tokens.issue(user.id, session_id), refresh_token=token)
