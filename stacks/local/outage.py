"""Reports that Postgres went away and came back: one line each, however many threads notice."""

from __future__ import annotations

import logging
import threading

log = logging.getLogger("slipway.consumers")


class Outage:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away = False

    def began(self, error: Exception) -> None:
        with self._lock:
            if not self._away:
                log.warning("Postgres does not answer, trying again until it does: %s", str(error).split("\n")[0])
            self._away = True

    def ended(self) -> None:
        with self._lock:
            if self._away:
                log.warning("Postgres answers again")
            self._away = False
