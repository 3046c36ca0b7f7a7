"""Reports that Postgres went away and came back: one line each, however many threads notice."""

from __future__ import annotations

import logging
import math
import threading
import time

log = logging.getLogger("slipway.consumers")
LATE_SECONDS = 5.0  # a thread that was busy meanwhile finds its old connection dead: that is no new outage


class Outage:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away = False
        self._ended = -math.inf

    def began(self, error: Exception) -> None:
        with self._lock:
            if self._away or time.monotonic() - self._ended < LATE_SECONDS:
                return
            self._away = True
            log.warning("Postgres does not answer, trying again until it does: %s", str(error).split("\n")[0])

    def ended(self) -> None:
        with self._lock:
            if self._away:
                log.warning("Postgres answers again")
                self._ended = time.monotonic()
            self._away = False
