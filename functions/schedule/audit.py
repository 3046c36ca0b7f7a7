"""Verify the last days of every audit chain, and write its head to the log."""

from __future__ import annotations

from slipway import audit_chain
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 day)", uses=(DATABASE,), timeout=900)
def audit() -> None:
    audit_chain.check_all()
