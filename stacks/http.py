"""The HTTP API's stage: access logs, throttles and its domain. After all routes, since it names those with a throttle
of their own, and API Gateway refuses the name of a route that is not there yet."""

from __future__ import annotations

import inspect
import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway import discover
from slipway.route import route

from stacks import edge
from stacks.environment import Environment
from stacks.places import Places

DEFAULT_RATE: int = inspect.signature(route).parameters["throttle"].default  # requests per second for one route
MOST_BURST = 5000  # what an account has in a region


def access_format(**more: str) -> str:
    """One JSON object a request; no header and no query, which may hold credentials."""
    fields = {
        "request_id": "$context.requestId",
        "at": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "route": "$context.routeKey",
        "status": "$context.status",
        "error": "$context.error.message",
        "integration_error": "$context.integrationErrorMessage",
        "authorizer_error": "$context.authorizer.error",
    }
    return json.dumps(fields | more)


def burst(rate: int) -> int:
    return min(2 * rate, MOST_BURST)


def throttles() -> dict[str, dict[str, int]]:
    """Route settings for the routes whose throttle is not the default."""
    return {
        declared.spec.key: {
            "ThrottlingRateLimit": declared.spec.throttle,
            "ThrottlingBurstLimit": burst(declared.spec.throttle),
        }
        for declared in discover.routes()
        if declared.spec.throttle != DEFAULT_RATE
    }


class Http(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-http", env=env)
        group = logs.CfnLogGroup(
            self, "Access", log_group_name=places.names.log_group("access/http"), retention_in_days=environment.log_days
        )
        timing = {"latency_ms": "$context.responseLatency", "bytes": "$context.responseLength"}
        stage = api.CfnStage(
            self,
            "Stage",
            api_id=places.http_api,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings={"destinationArn": group.attr_arn, "format": access_format(**timing)},
            default_route_settings={
                "throttlingRateLimit": DEFAULT_RATE,
                "throttlingBurstLimit": burst(DEFAULT_RATE),
                "detailedMetricsEnabled": environment.standard,
            },
            route_settings=throttles(),
        )
        if environment.domain:
            edge.serve_under(self, environment.domain, environment.certificate, places.http_api, stage)
