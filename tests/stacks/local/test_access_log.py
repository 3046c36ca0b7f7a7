from __future__ import annotations

import json
import logging

import pytest

from stacks.local import access_log


def test_lines_are_json_and_an_error_is_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    handler = access_log.start()
    try:
        access_log.access("GET", "GET /v1/runs/{run_id}", 200, 0.0123, "id-1")
        assert capsys.readouterr().err == ""
        access_log.failure("runs_read", "id-2", ValueError("the reason"))
        request, failure = map(json.loads, capsys.readouterr().err.splitlines())
    finally:
        access_log.log.removeHandler(handler)
        access_log.log.propagate = True
        access_log.log.setLevel(logging.NOTSET)
    assert request["route"] == "GET /v1/runs/{run_id}" and request["ms"] == 12.3 and request["status"] == 200
    assert (failure["function"], failure["request_id"], failure["level"]) == ("runs_read", "id-2", "ERROR")
    assert "the reason" in failure["exception"]
