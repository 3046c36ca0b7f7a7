from __future__ import annotations

import json

import pytest
from slipway import metrics, settings


def test_a_figure_is_a_line_that_cloudwatch_reads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_STAGE", "staging")
    settings.reset()
    metrics.count("SomethingHappened", team="team_x")
    settings.reset()
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": metrics.NAMESPACE,
            "Dimensions": [["stage"]],
            "Metrics": [{"Name": "SomethingHappened", "Unit": "Count"}],
        }
    ]
    assert (said["stage"], said["team"], said["SomethingHappened"]) == ("staging", "team_x", [1.0])
