"""How passwords are kept and checked: argon2id, and the same work whether there is a hash to check or not."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from slipway.db import Transaction, sql
from slipway.errors import Error

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_hashing = threading.BoundedSemaphore(2)  # 19 MiB each: a burst of logins must not exhaust the machine

GET = sql("select password_hash from users where id = %(id)s")
SET = sql("update users set password_hash = %(password_hash)s where id = %(id)s")
RENEW = sql("update users set password_hash = %(renewed)s where id = %(id)s and password_hash = %(password_hash)s")


@cache
def _hasher() -> PasswordHasher:
    """argon2id with OWASP's smallest recommended parameters: 79 ms here, where the library's default costs 350."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@cache
def _dummy_hash() -> str:
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    with _hashing:
        return _hasher().hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. None is nobody's hash: nothing matches it, after as much work."""
    from argon2.exceptions import VerificationError

    with _hashing:
        try:
            _hasher().verify(password_hash or _dummy_hash(), password)
        except VerificationError:
            return False
    return password_hash is not None


def renewed(password_hash: str, password: str) -> str | None:
    """The password's hash anew, where it was kept with other parameters than today's."""
    return hashed(password) if _hasher().check_needs_rehash(password_hash) else None


def renew(tx: Transaction, user_id: UUID, password_hash: str, renewed: str) -> None:
    """Keep the new hash, unless the password was changed meanwhile."""
    tx.run(RENEW, id=user_id, renewed=renewed, password_hash=password_hash)


def require(tx: Transaction, user_id: UUID, password: str) -> None:
    """Raise wrong_password unless it is this user's. Its routes have the rate limit "password"."""
    found = tx.one(GET, id=user_id)
    if not matches(found["password_hash"] if found else None, password):
        raise Error("wrong_password")


def keep(tx: Transaction, user_id: UUID, password_hash: str) -> None:
    tx.run(SET, id=user_id, password_hash=password_hash)
