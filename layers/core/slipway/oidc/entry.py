"""The last step of a login with a provider: an assertion becomes a session, and somebody new a user."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import psycopg.errors

from slipway import account_events, db, ids, sessions, users
from slipway.caller import Origin
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.oidc import identities, tickets
from slipway.oidc.identities import AssertionToken
from slipway.oidc.tickets import Assertion
from slipway.sessions import Session
from slipway.texts import Input

How = Literal["known", "holder", "new"]
TRIES = 2  # the second finds what another login of the same person has made meanwhile


class Entry(Input):
    """`assertion` is the one that the exchange has answered with."""

    assertion: AssertionToken


FIND = sql("select user_id, holder_id from app.find_identity(%(issuer)s, %(subject)s, %(email)s)")
INSERT_USER = sql("insert into users (id, email, name, email_verified_at) values (%(id)s, %(email)s, %(name)s, now())")
# The user's row is locked before the identity's, everywhere; `for share` also holds a change of the address off.
HOLD = sql(
    """select email = %(email)s and email_verified_at is not null as verified from users
        where id = %(user_id)s for share"""
)


def log_in(entry: Entry, origin: Origin) -> Session:
    """A session of the identity's user. Who is new becomes a user; an account with the same address becomes theirs when
    the provider and we have both seen that the address is.

    Raises invalid_assertion, email_not_verified, and account_exists with what to do.
    """
    assertion = tickets.read_assertion(entry.assertion)
    for _ in range(TRIES):
        with db.for_platform() as tx:
            asked = {"issuer": assertion.issuer, "subject": assertion.subject, "email": assertion.email}
            found = tx.one(FIND, **asked) or {}
        user_id, how = _whose(found, assertion)
        try:
            with db.for_user(user_id) as tx:
                return _open(tx, user_id, how, assertion, origin)
        except psycopg.errors.UniqueViolation:
            continue
    raise Error("unavailable", headers={"retry-after": "1"})


def _whose(found: Row, assertion: Assertion) -> tuple[UUID, How]:
    """The user that this is, or is to be. Raises where it must not be anybody."""
    if found["user_id"]:
        return found["user_id"], "known"
    if not assertion.email_verified:
        detail = "The provider does not say that this address is yours: verify it there, or register with a password."
        raise Error("email_not_verified", detail)
    return (found["holder_id"], "holder") if found["holder_id"] else (ids.new(), "new")


def _open(tx: Transaction, user_id: UUID, how: How, assertion: Assertion, origin: Origin) -> Session:
    """What was found is looked at again, under its lock. The login is used up when all of it has gone well."""
    identities.take(tx, assertion)
    if how == "new":
        tx.run(INSERT_USER, id=user_id, email=assertion.email, name=assertion.name)
        account_events.record(tx, user_id, origin, "account.registered", {"provider": assertion.provider})
    else:
        held = tx.one(HOLD, user_id=user_id, email=assertion.email)
        if held is None or (how == "holder" and not held["verified"]):
            raise Error(
                "account_exists",
                "This address has an account that has not verified it: log in with its password and link the identity "
                "with POST /v1/me/identities, or reset the password and try again.",
            )
    if how == "known":
        identities.touch(tx, user_id, assertion)
    else:
        identities.add(tx, user_id, assertion, origin)
    if how == "holder":
        identities.tell(tx, users.get(tx, user_id), assertion)
    return sessions.open(tx, user_id, origin)
