"""Make the partitions of the coming months and drop the old ones."""

from __future__ import annotations

from slipway import partitions
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 day)", uses=(DATABASE,))
def turn() -> None:
    partitions.turn()
