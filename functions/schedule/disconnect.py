"""Forget connections older than any connection can be."""

from __future__ import annotations

from slipway import connections
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 hour)", uses=(DATABASE,))
def disconnect() -> None:
    connections.sweep()
