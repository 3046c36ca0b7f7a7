"""Forget connections, tickets, sessions and tasks that are too old to matter."""

from __future__ import annotations

from slipway import expiry
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 hour)", uses=(DATABASE,))
def expire() -> None:
    expiry.sweep()
