"""Make the partitions of the coming months and drop the old ones."""

from __future__ import annotations

from slipway import rooms
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 day)", uses=(DATABASE,))
def partitions() -> None:
    rooms.turn_partitions()
