"""Rate limits as clients read them: draft-ietf-httpapi-ratelimit-headers-11, its older `x-ratelimit-*` kin, Retry-After.

The buckets are rows and the limits are the plan's (`app.admit`, schema/migrations/0002_pre_callers.sql): one statement
takes from all of a caller's buckets or from none, so parallel requests cannot overrun them. `class` is the route's: "read",
"write", or what its declaration says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from slipway.errors import Error


class Rate(NamedTuple):
    """What a rate limit has left for this caller: `remaining` of `burst` requests, refilled with `per_minute`."""

    subject: str
    burst: int
    per_minute: int
    remaining: int


SUBJECTS = {"address": "your address", "user": "you", "key": "this API key", "team": "your team"}


def read(admitted: list[dict[str, Any]] | None) -> list[Rate]:
    """The tightest first."""
    return [Rate(r["subject"], r["burst"], r["per_minute"], int(r["tokens"])) for r in admitted or ()]


def headers(rates: Sequence[Rate]) -> dict[str, str]:
    """For an answer that was admitted: each bucket's policy, and what the tightest one has left."""
    if not rates:
        return {}
    tightest = rates[0]
    return {
        "ratelimit-policy": ", ".join(f'"{r.subject}";q={r.burst};w={_window(r)}' for r in rates),
        "ratelimit": f'"{tightest.subject}";r={tightest.remaining};t={_until_full(tightest)}',
        "x-ratelimit-limit": str(tightest.burst),
        "x-ratelimit-remaining": str(tightest.remaining),
        "x-ratelimit-reset": str(_until_full(tightest)),
    }


def refusal(rate: Rate) -> Error:
    """`rate` is the bucket that was found empty."""
    wait = max(1, math.ceil(60 / rate.per_minute))
    empty = rate._replace(remaining=0)
    return Error(
        "too_many_requests",
        f"{rate.per_minute} requests a minute are allowed for {SUBJECTS[rate.subject]}, {rate.burst} at once.",
        headers={**headers([empty]), "retry-after": str(wait)},
        limit=f"requests_per_{rate.subject}",
        allowed=rate.burst,
        used=rate.burst,
        resets_in_seconds=wait,
        allowed_by="waiting, or a plan with a higher rate",
    )


def _window(rate: Rate) -> int:
    """Seconds that fill an empty bucket."""
    return max(1, math.ceil(rate.burst * 60 / rate.per_minute))


def _until_full(rate: Rate) -> int:
    return math.ceil((rate.burst - rate.remaining) * 60 / rate.per_minute)
