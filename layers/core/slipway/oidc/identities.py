"""Identities: who a user is at a provider, and with that a way to log in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from slipway import account_events, clock, ids, mail, passwords, users
from slipway.caller import Caller, Origin
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import IdentityId
from slipway.letters.identity_linked import identity_linked
from slipway.pages import before, page
from slipway.reply import Page
from slipway.texts import Input, Password
from slipway.users import User

if TYPE_CHECKING:
    from slipway.oidc.tickets import Assertion  # at run time it would bring PyJWT along, which only linking needs

AssertionToken = Annotated[str, StringConstraints(min_length=1, max_length=8192)]


class Identity(BaseModel):
    """`email` is what the provider said at the last login; it may be another than the account's, or ""."""

    id: IdentityId
    provider: str
    issuer: str
    email: str
    created_at: datetime
    last_used_at: datetime


class NewIdentity(Input):
    """`assertion` is the one that the exchange has answered with; `password` the account's, where it has one."""

    assertion: AssertionToken
    password: Password | None = None


TAKE = sql("select app.take_oidc_login(%(id)s) as taken")
ADD = sql(
    """insert into identities (user_id, id, provider, issuer, subject, email)
       values (%(user_id)s, %(id)s, %(provider)s, %(issuer)s, %(subject)s, %(email)s)
       on conflict (issuer, subject) do nothing
       returning id, provider, issuer, email, created_at, last_used_at"""
)
TOUCH = sql(
    """update identities set last_used_at = now(), provider = %(provider)s, email = %(email)s
        where user_id = %(user_id)s and issuer = %(issuer)s and subject = %(subject)s
        returning id, provider, issuer, email, created_at, last_used_at"""
)
LIST = sql(
    """select id, provider, issuer, email, created_at, last_used_at from identities
        where user_id = %(user_id)s and id < %(before)s order by id desc limit %(limit)s"""
)
# The user's row is locked before the identity's, everywhere: two who remove the last two wait for each other.
HOLD = sql(
    """select email, email_verified_at is not null as verified, password_hash is not null as has_password from users
        where id = %(user_id)s for no key update"""
)
OTHERS = sql("select 1 as one from identities where user_id = %(user_id)s and id <> %(id)s limit 1")
DELETE = sql("delete from identities where user_id = %(user_id)s and id = %(id)s returning provider, issuer")


def take(tx: Transaction, assertion: Assertion) -> None:
    """Use the assertion's login up; raises invalid_assertion when it was before."""
    row = tx.one(TAKE, id=assertion.id)
    if not (row and row["taken"]):
        raise Error("invalid_assertion", cause="used before")


def add(tx: Transaction, user_id: UUID, assertion: Assertion, by: Caller | Origin) -> Identity:
    """Raises identity_taken when it is another user's."""
    row = tx.one(ADD, id=ids.new(), **_values(user_id, assertion))
    if row is None:
        raise Error("identity_taken", "Log in with it, and unlink it there first.")
    identity = Identity.model_validate(row)
    account_events.record(tx, user_id, by, "identity.linked", _details(identity.id, row))
    return identity


def touch(tx: Transaction, user_id: UUID, assertion: Assertion) -> None:
    """It was used to log in; raises invalid_assertion when it is the user's no longer."""
    if tx.one(TOUCH, **_values(user_id, assertion)) is None:
        raise Error("invalid_assertion", cause="unlinked meanwhile")


def link(tx: Transaction, caller: Caller, assertion: Assertion, password: str | None) -> Identity:
    """One more way to log in. Again is the same one. Raises wrong_password, email_not_verified, invalid_assertion,
    identity_taken."""
    _permit(tx, caller, assertion, password)
    take(tx, assertion)
    mine = tx.one(TOUCH, **_values(caller.user_id, assertion))
    if mine:
        return Identity.model_validate(mine)
    identity = add(tx, caller.user_id, assertion, caller)
    tell(tx, users.get(tx, caller.user_id), assertion)
    return identity


def _permit(tx: Transaction, caller: Caller, assertion: Assertion, password: str | None) -> None:
    """The password is asked for because a session that somebody found open must not become an account of theirs. And
    who has registered an address that is not theirs must leave nothing that outlives its owner's reset of the password.
    """
    held = tx.one(HOLD, user_id=caller.user_id) or {}
    if held["has_password"]:
        if password is None:
            raise Error("wrong_password", "Send the account's `password` as well.")
        passwords.require(tx, caller.user_id, password)
    if not held["verified"] and not (assertion.email_verified and assertion.email == held["email"]):
        raise Error("email_not_verified", "Verify your address first, with the link of its letter.")


def tell(tx: Transaction, user: User, assertion: Assertion) -> None:
    """An account that was there before has a new way in: its owner hears of it."""
    subject, text = identity_linked(user.name, assertion.provider, clock.now())
    mail.post(tx, kind="identity_linked", to=user.email, subject=subject, text=text)


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Identity]:
    """The caller's own, newest first."""
    return page(Identity, tx.all(LIST, user_id=caller.user_id, before=before(cursor), limit=limit + 1), limit)


def unlink(tx: Transaction, caller: Caller, identity_id: str) -> None:
    """Raises not_found, or last_login."""
    try:
        id = ids.decode("idn", identity_id)
    except ValueError:
        raise Error("not_found") from None
    held = tx.one(HOLD, user_id=caller.user_id)
    row = tx.one(DELETE, user_id=caller.user_id, id=id)
    if row is None:
        raise Error("not_found")
    if not (held and held["has_password"]) and tx.one(OTHERS, user_id=caller.user_id, id=id) is None:
        raise Error("last_login", "Set a password first, with the link of a reset letter, or link another identity.")
    account_events.record(tx, caller.user_id, caller, "identity.unlinked", _details(id, row))


def _values(user_id: UUID, assertion: Assertion) -> Row:
    return {
        "user_id": user_id,
        "provider": assertion.provider,
        "issuer": assertion.issuer,
        "subject": assertion.subject,
        "email": assertion.email,
    }


def _details(id: UUID, row: Row) -> Row:
    return {"identity_id": ids.encode("idn", id), "provider": row["provider"], "issuer": row["issuer"]}
