from __future__ import annotations

import json

import pytest
from slipway_sandbox.job import STATUSES, BadJob, Limits, Result, signal_name


def test_a_result_survives_json() -> None:
    result = Result(status="signalled", signal="SIGSEGV", wall_ms=3, isolation={"network": "none"})
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_a_result_of_a_newer_worker_is_read_and_an_unknown_status_is_not() -> None:
    assert Result.from_json({"status": "failed", "exit_code": 1, "colour": "red"}) == Result(
        status="failed", exit_code=1
    )
    with pytest.raises(BadJob, match="must be one of"):
        Result.from_json({"status": "exploded"})
    assert len(STATUSES) == 11


@pytest.mark.parametrize(
    "wrong", [{"wall_seconds": 0}, {"memory_bytes": 0}, {"output_bytes": -1}, {"processes": 10**9}]
)
def test_limits_have_bounds(wrong: dict[str, int]) -> None:
    with pytest.raises(BadJob, match=f"limits.{next(iter(wrong))}"):
        Limits(**wrong)


def test_signals_have_names() -> None:
    assert (signal_name(9), signal_name(40)) == ("SIGKILL", "SIG40")
