"""Rows that are worthless by their age: old connections, tickets, sessions, tasks that went, kept answers."""

from __future__ import annotations

from slipway import db
from slipway.db import sql

EXPIRE = (
    sql("select app.expire()"),
    sql("select app.expire_requests()"),
    sql("select app.expire_quotas()"),
    sql("select app.expire_accounts()"),
    sql("select app.expire_oidc_logins()"),
    sql("select app.expire_invitations()"),
    sql("select app.expire_account_events()"),
)


def sweep() -> None:
    with db.for_platform() as tx:
        for statement in EXPIRE:
            tx.run(statement)
