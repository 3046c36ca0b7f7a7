"""Count what every team keeps, in this hour."""

from __future__ import annotations

from slipway.capabilities import DATABASE
from slipway.schedule import schedule
from slipway.usage import counters


@schedule("rate(1 hour)", uses=(DATABASE,), timeout=300)
def storage() -> None:
    counters.weigh_storage()
