"""Rows that are worthless by their age: old connections, tickets, sessions, tasks that went, kept answers."""

from __future__ import annotations

from slipway import db
from slipway.db import sql

EXPIRE = (sql("select app.expire()"), sql("select app.expire_requests()"))


def sweep() -> None:
    with db.for_platform() as tx:
        for statement in EXPIRE:
            tx.run(statement)
