"""Rows that are worthless by their age: old connections, tickets, sessions, tasks that went."""

from __future__ import annotations

from slipway import db
from slipway.db import sql

EXPIRE = sql("select app.expire()")


def sweep() -> None:
    with db.for_platform() as tx:
        tx.run(EXPIRE)
