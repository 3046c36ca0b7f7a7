"""A route's throttle: a token bucket, as API Gateway's is. A fuse against floods, never a plan's limit.

Each HTTP process has its own with the whole rate, so that N of them together let up to N times as much pass. Divided by
N it would refuse a client at a fraction of the declared rate, because one connection stays with one process. API
Gateway's own throttle is best effort in the same way; what must hold exactly is counted in Postgres.
"""

from __future__ import annotations

from time import monotonic


class Bucket:
    """Holds at most `rate` tokens (the burst) and gains `rate` of them per second. Not for use across threads."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = monotonic()

    def take(self) -> bool:
        """Whether the request may pass."""
        now = monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
