"""A worker's life as ECS tells it: the detail of EventBridge's "ECS Task State Change", for a worker on this machine.

Shape: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html. The private address is where
ECS has it; on one machine the port rides in its value, because workers share one address.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

SOURCE, DETAIL_TYPE = "aws.ecs", "ECS Task State Change"
ACCOUNT = "arn:aws:ecs:local:000000000000"
SERVICE = "service:workers"  # the group of the workers kept warm
REQUESTED = "family:run"  # the group of a task that somebody asked for


def new_task() -> str:
    """A fresh task ARN."""
    return f"{ACCOUNT}:task/slipway/{uuid4().hex}"


def running(task: str, group: str, address: str) -> dict[str, Any]:
    """`address` is host:port."""
    interface = uuid4().hex
    network = {"attachmentId": interface, "privateIpv4Address": address}
    return {
        **_common(task, group),
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "containers": [{"name": "run", "lastStatus": "RUNNING", "taskArn": task, "networkInterfaces": [network]}],
        "attachments": [
            {
                "id": interface,
                "type": "eni",
                "status": "ATTACHED",
                "details": [{"name": "privateIPv4Address", "value": address}],
            }
        ],
        "version": 1,
    }


def stopped(task: str, group: str, exit_code: int | None, reason: str) -> dict[str, Any]:
    """`exit_code` is None when nobody saw how it ended; 128 + n for signal n, as containers report it."""
    container: dict[str, Any] = {"name": "run", "lastStatus": "STOPPED", "taskArn": task, "networkInterfaces": []}
    if exit_code is not None:
        container["exitCode"] = exit_code if exit_code >= 0 else 128 - exit_code
    return {
        **_common(task, group),
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stoppedReason": reason,
        "containers": [container],
        "attachments": [],
        "version": 2,
    }


def _common(task: str, group: str) -> dict[str, Any]:
    return {"taskArn": task, "clusterArn": f"{ACCOUNT}:cluster/slipway", "group": group}
