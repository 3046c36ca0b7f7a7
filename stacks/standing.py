"""What every Lambda role holds, whatever its function declares: its own log streams, and its place in the VPC."""

from __future__ import annotations

from typing import Any

from stacks.capabilities import Statement
from stacks.places import Names

_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
)


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def statements(names: Names, function_name: str, log_name: str, inside: bool) -> tuple[Statement, ...]:
    logs = Statement(
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        (names.arn("logs", f"log-group:{names.log_group(log_name)}:*"),),
        reason="Lambda names a log stream for every execution environment it starts",
    )
    if not inside:
        return (logs,)
    function = names.arn("lambda", f"function:{function_name}")
    return (
        logs,
        Statement(
            _INTERFACES,
            ("*",),
            reason="the Lambda service makes the network interfaces with this role, and EC2 has no narrower resource for it",
        ),
        # The service may, the function's own code may not.
        Statement(
            _INTERFACES,
            ("*",),
            {"ArnEquals": {"lambda:SourceFunctionArn": function}},
            reason="a refusal: it should reach as far as the permission above",
            effect="Deny",
        ),
    )
