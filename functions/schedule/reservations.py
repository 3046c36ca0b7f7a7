"""Give back what was reserved by work that died."""

from __future__ import annotations

from slipway import quotas
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 minute)", uses=(DATABASE,))
def reservations() -> None:
    quotas.give_back()
