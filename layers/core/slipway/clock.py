"""The one place that tells the time, so that tests can move it (time-machine patches it)."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time in UTC, with a zone."""
    return datetime.now(UTC)
