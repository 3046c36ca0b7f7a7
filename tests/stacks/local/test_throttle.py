from __future__ import annotations

from stacks.local import throttle
from stacks.local.throttle import Bucket


def test_a_burst_of_the_rate_passes_and_the_next_does_not(monkeypatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(throttle, "monotonic", lambda: clock[0])
    bucket = Bucket(5)
    assert [bucket.take() for _ in range(6)] == [True] * 5 + [False]
    clock[0] += 0.2
    assert [bucket.take() for _ in range(2)] == [True, False]


def test_an_idle_bucket_holds_no_more_than_one_burst(monkeypatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(throttle, "monotonic", lambda: clock[0])
    bucket = Bucket(2)
    clock[0] += 3600
    assert [bucket.take() for _ in range(3)] == [True, True, False]
