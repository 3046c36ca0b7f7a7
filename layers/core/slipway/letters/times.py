"""Moments in letters: in UTC, because a letter does not know where its reader is."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """`3 November 2026, 14:05 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
