"""A new password: with the old one, or with the link of a letter. Either way the owner gets a letter about it."""

from __future__ import annotations

from uuid import UUID

from slipway import (
    account_events,
    api_keys,
    clock,
    db,
    email_addresses,
    email_tokens,
    inquiries,
    mail,
    passwords,
    sessions,
    users,
)
from slipway.caller import Caller, Origin
from slipway.db import Transaction
from slipway.email_tokens import LetterToken
from slipway.inquiries import Accepted
from slipway.letters.password_changed import password_changed
from slipway.texts import Email, Input, Password
from slipway.users import User


class PasswordChange(Input):
    current_password: Password
    new_password: Password


class ResetRequest(Input):
    email: Email


class PasswordReset(Input):
    """`token` is the one of the letter's link."""

    token: LetterToken
    password: Password


def change(tx: Transaction, caller: Caller, change: PasswordChange) -> None:
    """Every other session ends: whoever else was logged in knew the old password."""
    passwords.require(tx, caller.user_id, change.current_password)
    _keep(tx, caller.user_id, passwords.hashed(change.new_password))
    sessions.revoke_all(tx, caller.user_id, but=caller.session_id)
    account_events.record(tx, caller.user_id, caller, "password.changed")
    _tell(tx, users.get(tx, caller.user_id))


def request_reset(request: ResetRequest) -> Accepted:
    """The same for every address: one message to a queue, whose consumer looks whether there is an account."""
    with db.for_platform() as tx:
        inquiries.ask(tx, "reset", request.email)
    return Accepted()


def reset(reset: PasswordReset, origin: Origin) -> None:
    """Every session ends, and the address counts as verified: whoever registered it before without having it is out,
    with the API keys that they made.

    Raises invalid_token, also when the address has changed since the letter.
    """
    user_id = email_tokens.owner(reset.token)
    password_hash = passwords.hashed(reset.password)
    with db.for_user(user_id) as tx:
        taken = email_tokens.take(tx, user_id, reset.token, "reset")
        if users.get(tx, user_id).email_verified_at is None:
            api_keys.revoke_all(tx, user_id)
        user = email_addresses.prove(tx, user_id, taken.email)
        _keep(tx, user_id, password_hash)
        sessions.revoke_all(tx, user_id)
        account_events.record(tx, user_id, origin, "password.reset")
        _tell(tx, user)


def _keep(tx: Transaction, user_id: UUID, password_hash: str) -> None:
    """Letters that were asked for with the old password end with it: one could take the account to another address."""
    passwords.keep(tx, user_id, password_hash)
    email_tokens.drop(tx, user_id, "change", "reset")


def _tell(tx: Transaction, user: User) -> None:
    subject, text = password_changed(user.name, clock.now())
    mail.post(tx, kind="password_changed", to=user.email, subject=subject, text=text)
