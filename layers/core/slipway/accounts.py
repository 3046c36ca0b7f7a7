"""Accounts: registering, which depends on whether a letter must be opened first, and leaving."""

from __future__ import annotations

from uuid import UUID

import psycopg.errors

from slipway import account_events, db, email_addresses, ids, inquiries, logins, passwords, sessions, settings, tokens
from slipway.caller import Origin
from slipway.db import Transaction, sql
from slipway.email_tokens import LetterToken
from slipway.errors import Error
from slipway.inquiries import Accepted
from slipway.sessions import Session
from slipway.texts import Email, Input, Name, Password


class Registration(Input):
    email: Email
    password: Password
    name: Name


class Confirmation(Input):
    """`token` is the one of the letter's link; `password` the one that the account is to have."""

    token: LetterToken
    password: Password


INSERT_USER = sql(
    """insert into users (id, email, name, password_hash, email_verified_at)
       values (%(id)s, %(email)s, %(name)s, %(password_hash)s, case when %(verified)s then now() end)"""
)
TAKE_REGISTRATION = sql("select email, name from app.take_registration(%(token_hash)s)")


def registration_is_open() -> bool:
    """Otherwise a letter must be opened (docs/decisions/0009-who-has-an-account.md)."""
    default = "open" if settings.get("SLIPWAY_STAGE") == "local" else "confirmed"
    return (settings.get("SLIPWAY_REGISTRATION") or default) == "open"


def register(registration: Registration, origin: Origin) -> Session | Accepted:
    """Create a user and log in; where a letter must be opened first, the same answer for every address."""
    if not registration_is_open():
        with db.for_platform() as tx:
            inquiries.ask(tx, "register", registration.email, registration.name)
        return Accepted()
    logins.wait_to_register(origin)
    password_hash, user_id = passwords.hashed(registration.password), ids.new()
    try:
        with db.for_user(user_id) as tx:
            _insert(tx, user_id, registration.email, registration.name, password_hash, verified=False)
            session = sessions.open(tx, user_id, origin)
            account_events.record(tx, user_id, origin, "account.registered")
            email_addresses.send_letter(tx, session.user)
            return session
    except psycopg.errors.UniqueViolation:
        logins.count_taken(origin)
        raise Error("email_taken", "Log in instead, or register with another address.") from None


def confirm(confirmation: Confirmation, origin: Origin) -> Session:
    """Create the user whose letter was opened, and log in. The password is the one given now: whoever registered an address
    that is not theirs knows nothing of the account. Raises invalid_token, or email_taken."""
    user_id = ids.new()
    try:
        with db.for_user(user_id) as tx:
            found = tx.one(TAKE_REGISTRATION, token_hash=tokens.hashed(confirmation.token))
            if found is None:
                raise Error("invalid_token")
            password_hash = passwords.hashed(confirmation.password)
            _insert(tx, user_id, found["email"], found["name"], password_hash, verified=True)
            account_events.record(tx, user_id, origin, "account.registered")
            return sessions.open(tx, user_id, origin)
    except psycopg.errors.UniqueViolation:
        raise Error("email_taken", "This address has an account by now: log in.") from None


def _insert(tx: Transaction, user_id: UUID, email: str, name: str, password_hash: str, verified: bool) -> None:
    tx.run(INSERT_USER, id=user_id, email=email, name=name, password_hash=password_hash, verified=verified)
