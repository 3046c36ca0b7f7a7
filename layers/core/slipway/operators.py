"""Who runs the platform: named by a command on the machine or in the deploy, never by a request."""

from __future__ import annotations

from slipway.db import Transaction, sql

IS_OPERATOR = sql("select app.is_operator() as operator")


def is_operator(tx: Transaction) -> bool:
    """Whether the caller of this transaction is one."""
    row = tx.one(IS_OPERATOR)
    return bool(row and row["operator"])
