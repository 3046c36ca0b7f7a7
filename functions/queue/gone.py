"""Forget connections that were found gone."""

from __future__ import annotations

from slipway import connections
from slipway.capabilities import DATABASE
from slipway.catalogue import GONE
from slipway.queue import queue


@queue(GONE, uses=(DATABASE,), concurrency=2)
def gone(message: connections.Gone) -> None:
    connections.drop(message)
