"""Make the partitions of the coming months."""

from __future__ import annotations

from slipway import rooms
from slipway.capabilities import DATABASE
from slipway.schedule import schedule


@schedule("rate(1 day)", uses=(DATABASE,))
def partitions() -> None:
    rooms.make_partitions()
