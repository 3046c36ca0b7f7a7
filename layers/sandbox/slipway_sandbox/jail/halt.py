"""Ask a running job to end, from any thread or signal handler."""

from __future__ import annotations

import os
from dataclasses import dataclass

from slipway_sandbox.job import Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a run was ended, or what it died of."""

    status: Status
    reason: str


class Halt:
    """Readable as a descriptor from the first request on; the first request counts."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._reader

    def request(self, status: Status, reason: str) -> None:
        if self.verdict is None:
            self.verdict = Verdict(status, reason)
            os.write(self._writer, b"!")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)
