"""What strangers ask about an address: to register it, to reset its password, to make it their own.

Whether the address has an account must not show in the answer, nor in the time it takes (docs/decisions/
0009-who-has-an-account.md). So the request only puts a message into a queue, the same for every address; its consumer
looks, and answers with a letter to the address's owner.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from slipway import db, email_tokens, ids, mail, tokens, users
from slipway.catalogue import INQUIRIES
from slipway.db import Transaction, sql
from slipway.letters import links
from slipway.letters.change_email import change_email
from slipway.letters.confirm_registration import confirm_registration
from slipway.letters.email_taken import email_taken
from slipway.letters.reset_password import reset_password

Kind = Literal["register", "reset", "change"]
REGISTRATION_HOURS = 48
QUIET_SECONDS = 300  # a stranger's address gets one letter in this time, whoever asks


class Inquiry(BaseModel):
    """A message of the `inquiries` queue. `name` of who registers, `user_id` of who changes their address."""

    id: UUID
    kind: Kind
    email: str
    name: str = ""
    user_id: UUID | None = None


class Accepted(BaseModel):
    """The answer to whoever asks, the same whatever the letter will say, and whether or not there is one."""

    detail: str = "What comes next stands in a letter: look into the mailbox."


FIND = sql("select id from app.login_user(%(email)s)")
KEEP = sql(
    """select app.keep_registration(%(email)s, %(name)s, %(token_hash)s, %(request_id)s, %(hours)s, %(seconds)s) as kept"""
)


def ask(tx: Transaction, kind: Kind, email: str, name: str = "", user_id: UUID | None = None) -> None:
    tx.send(INQUIRIES, Inquiry(id=ids.new(), kind=kind, email=email, name=name, user_id=user_id))


def answer(inquiry: Inquiry) -> None:
    """Idempotent: the inquiry's id is kept with the token, and makes one letter."""
    with db.for_platform() as tx:
        found = tx.one(FIND, email=inquiry.email)
        owner_id = found["id"] if found else None
        if owner_id is None and inquiry.kind == "register":
            _confirm(tx, inquiry)
    if inquiry.kind == "reset":
        if owner_id:
            _reset(inquiry, owner_id)
    elif owner_id and owner_id != inquiry.user_id:
        _tell_owner(inquiry, owner_id)
    elif not owner_id and inquiry.user_id:
        _change(inquiry, inquiry.user_id)


def _confirm(tx: Transaction, inquiry: Inquiry) -> None:
    token = tokens.opaque("slp_et_")
    kept = tx.one(
        KEEP,
        email=inquiry.email,
        name=inquiry.name,
        token_hash=tokens.hashed(token),
        request_id=inquiry.id,
        hours=REGISTRATION_HOURS,
        seconds=QUIET_SECONDS,
    )
    if kept and kept["kept"]:
        subject, text = confirm_registration(inquiry.name, links.register(token))
        mail.post(tx, kind="confirm_registration", to=inquiry.email, subject=subject, text=text)


def _reset(inquiry: Inquiry, user_id: UUID) -> None:
    with db.for_user(user_id) as tx:
        user, token = users.get(tx, user_id), email_tokens.make(tx, user_id, "reset", inquiry.email, inquiry.id)
        if token:
            subject, text = reset_password(user.name, links.reset_password(token))
            mail.post(tx, kind="reset_password", to=user.email, subject=subject, text=text)


def _change(inquiry: Inquiry, user_id: UUID) -> None:
    with db.for_user(user_id) as tx:
        user, token = users.get(tx, user_id), email_tokens.make(tx, user_id, "change", inquiry.email, inquiry.id)
        if token:
            subject, text = change_email(user.name, links.verify_email(token))
            mail.post(tx, kind="change_email", to=inquiry.email, subject=subject, text=text)


def _tell_owner(inquiry: Inquiry, owner_id: UUID) -> None:
    """Somebody wants an address that has an account: its owner hears of it, once a day."""
    with db.for_user(owner_id) as tx:
        owner = users.get(tx, owner_id)
        if email_tokens.make(tx, owner_id, "taken", owner.email, inquiry.id):
            subject, text = email_taken(owner.name)
            mail.post(tx, kind="email_taken", to=owner.email, subject=subject, text=text)
