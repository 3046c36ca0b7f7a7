"""A span of time in a query, `?since=&until=`: from its beginning, up to and without its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from slipway import clock
from slipway.errors import Error


class Span(NamedTuple):
    since: datetime
    until: datetime


def span(since: datetime | None, until: datetime | None, usual: timedelta, longest: timedelta) -> Span:
    """What was asked for; without an end up to now, without a beginning the `usual` length. Raises invalid."""
    until = until or clock.now()
    try:
        since = since or until - usual
    except OverflowError:
        raise refusal("until", "is too long ago") from None
    if since >= until:
        raise refusal("since", "is not before until")
    if until - since > longest:
        raise refusal("since", f"is more than {longest.days} days before until: ask for less, or for longer intervals")
    return Span(since, until)


def refusal(parameter: str, detail: str) -> Error:
    pointer = f"/query/{parameter}"
    return Error("invalid", f"{pointer}: {detail}", errors=[{"pointer": pointer, "code": "span", "detail": detail}])
