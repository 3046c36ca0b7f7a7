from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from slipway import clock
from slipway.errors import Error
from slipway.usage.span import span

DAY = timedelta(days=1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_what_is_absent_is_the_usual_length_up_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert span(None, None, DAY, DAY) == (NOON - DAY, NOON)
    assert span(None, NOON - DAY, DAY, DAY) == (NOON - 2 * DAY, NOON - DAY)
    assert span(NOON - DAY / 2, None, DAY, DAY) == (NOON - DAY / 2, NOON)


@pytest.mark.parametrize("since", [NOON, NOON + DAY, NOON - DAY - timedelta(microseconds=1)])
def test_a_span_is_neither_empty_nor_longer_than_allowed(since: datetime) -> None:
    with pytest.raises(Error) as refused:
        span(since, NOON, DAY, DAY)
    assert refused.value.code == "invalid"
    assert span(NOON - DAY, NOON, DAY, DAY) == (NOON - DAY, NOON), "the control"
