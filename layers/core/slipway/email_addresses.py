"""E-mail addresses: is it theirs, and how it is changed. A token in a letter proves that its reader has the mailbox."""

from __future__ import annotations

from uuid import UUID

import psycopg.errors

from slipway import account_events, clock, db, email_tokens, inquiries, mail, passwords, users
from slipway.caller import Caller, Origin
from slipway.db import Transaction, sql
from slipway.email_tokens import LetterToken
from slipway.errors import Error
from slipway.inquiries import Accepted
from slipway.letters import links
from slipway.letters.email_changed import email_changed
from slipway.letters.verify_email import verify_email
from slipway.texts import Email, Input, Password
from slipway.users import User


class Verification(Input):
    """`token` is the one of the letter's link."""

    token: LetterToken


class EmailChange(Input):
    """`email` is the new address."""

    email: Email
    password: Password


VERIFY = sql(
    """update users set email_verified_at = coalesce(email_verified_at, now()) where id = %(id)s and email = %(email)s
       returning id, email, name, email_verified_at, created_at"""
)
CHANGE = sql(
    """update users set email = %(email)s, email_verified_at = now() where id = %(id)s
       returning id, email, name, email_verified_at, created_at"""
)


def send_letter(tx: Transaction, user: User) -> None:
    """Ask whether the address is theirs; not again within a minute."""
    token = email_tokens.make(tx, user.id, "verify", user.email)
    if token:
        subject, text = verify_email(user.name, links.verify_email(token))
        mail.post(tx, kind="verify_email", to=user.email, subject=subject, text=text)


def resend(tx: Transaction, caller: Caller) -> Accepted:
    """Nothing happens when the address is verified already."""
    user = users.get(tx, caller.user_id)
    if user.email_verified_at is None:
        send_letter(tx, user)
    return Accepted()


def change(tx: Transaction, caller: Caller, change: EmailChange) -> Accepted:
    """A letter with a link goes to the new address; nothing else happens before that is opened.

    The answer does not tell whether the address has an account: the queue's consumer finds out, and tells its owner.
    """
    passwords.require(tx, caller.user_id, change.password)
    inquiries.ask(tx, "change", change.email, user_id=caller.user_id)
    return Accepted()


def verify(verification: Verification, origin: Origin) -> User:
    """The token of either letter: the address is theirs, or becomes theirs. Raises invalid_token, or email_taken when
    somebody else has registered with the new address meanwhile."""
    user_id = email_tokens.owner(verification.token)
    try:
        with db.for_user(user_id) as tx:
            taken = email_tokens.take(tx, user_id, verification.token, "verify", "change")
            if taken.kind == "change":
                return _changed(tx, user_id, taken.email, origin)
            user = prove(tx, user_id, taken.email)
            account_events.record(tx, user_id, origin, "email.verified")
            return user
    except psycopg.errors.UniqueViolation:
        raise Error("email_taken", "This address has an account of its own by now.") from None


def prove(tx: Transaction, user_id: UUID, email: str) -> User:
    """A letter to this address was opened; raises invalid_token when it is not the user's any more."""
    row = tx.one(VERIFY, id=user_id, email=email)
    if row is None:
        raise Error("invalid_token")
    return users.read(row)


def _changed(tx: Transaction, user_id: UUID, email: str, origin: Origin) -> User:
    before = users.get(tx, user_id)
    after = users.read(tx.one(CHANGE, id=user_id, email=email))
    email_tokens.drop(tx, user_id)  # they were for an address that is theirs no longer
    account_events.record(tx, user_id, origin, "email.changed")
    subject, text = email_changed(before.name, clock.now())
    mail.post(tx, kind="email_changed", to=before.email, subject=subject, text=text)
    return after
