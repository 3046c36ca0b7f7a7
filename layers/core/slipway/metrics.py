"""Figures of our own that alarms watch (stacks/watch.py): lines in the log, in CloudWatch's embedded metric format."""

from __future__ import annotations

from slipway import settings

NAMESPACE = "Slipway"
TEAM_OVER_TWICE_ITS_PLAN = "TeamOverTwiceItsPlan"


def count(name: str, **about: str) -> None:
    """That something happened once. `about` stands in the line beside the figure and is no dimension of it."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    stage = {"stage": settings.get("SLIPWAY_STAGE")}
    with single_metric(name, MetricUnit.Count, 1, namespace=NAMESPACE, default_dimensions=stage) as metric:
        for key, value in about.items():
            metric.add_metadata(key, value)
