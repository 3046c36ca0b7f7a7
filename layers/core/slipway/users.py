"""People, as they see themselves. Their passwords are in passwords.py, their addresses in email_addresses.py."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from slipway import account_events
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import UserId
from slipway.texts import Input, Name


class User(BaseModel):
    """`email_verified_at` null: the letter was not opened yet. Such a person can work, but not invite others."""

    id: UserId
    email: str
    name: str
    email_verified_at: datetime | None
    created_at: datetime


class UserChange(Input):
    """A merge patch: what is absent stays. Password and e-mail address have routes of their own."""

    name: Name | None = None


GET = sql("select id, email, name, email_verified_at, created_at from users where id = %(id)s")
UPDATE = sql(
    """update users set name = coalesce(%(name)s, name) where id = %(id)s
       returning id, email, name, email_verified_at, created_at"""
)


def get(tx: Transaction, user_id: UUID) -> User:
    """The one whose transaction this is; raises unauthenticated when the account is gone."""
    return read(tx.one(GET, id=user_id))


def update(tx: Transaction, caller: Caller, change: UserChange) -> User:
    account_events.record(tx, caller.user_id, caller, "account.updated", {"fields": sorted(change.model_fields_set)})
    return read(tx.one(UPDATE, id=caller.user_id, name=change.name))


def read(row: Row | None) -> User:
    if row is None:
        raise Error("unauthenticated", "This account no longer exists.")
    return User.model_validate(row)
