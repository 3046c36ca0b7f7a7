from __future__ import annotations

from typing import Any

import psycopg
import pytest
from botocore.stub import Stubber
from slipway import aws, settings
from slipway.capabilities import RUN_TASKS

from stacks.local import sessions, tasks
from stacks.local.machine import Machine


@pytest.mark.parametrize("count", [0, 1, 12])
def test_as_many_tasks_start_as_were_asked_for(side: Any, count: int) -> None:
    side.provide(RUN_TASKS).start("run", count)
    assert side.started() == count


def test_aws_a_task_is_private_and_on_spot(on_aws: Any) -> None:
    on_aws.provide(RUN_TASKS).start("run", 1)
    (task,) = on_aws.client("ecs").describe_tasks(cluster="workers", tasks=on_aws.running())["tasks"]
    details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
    assert details["subnetId"] == settings.get("SLIPWAY_TASK_SUBNETS")
    assert task["capacityProviderName"] == "FARGATE_SPOT"


def run_task(provider: str, count: int) -> dict[str, Any]:
    network = {
        "subnets": [settings.get("SLIPWAY_TASK_SUBNETS")],
        "securityGroups": [settings.get("SLIPWAY_TASK_SECURITY_GROUP")],
        "assignPublicIp": "ENABLED",
    }
    return {
        "cluster": "workers",
        "taskDefinition": "run",
        "count": count,
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
        "networkConfiguration": {"awsvpcConfiguration": network},
    }


NONE_LEFT = {"reason": "Capacity is unavailable at this time"}


def test_aws_what_spot_lacks_starts_on_demand(on_aws: Any) -> None:
    with Stubber(aws._client("ecs")) as stub:
        stub.add_response("run_task", {"tasks": [{}], "failures": [NONE_LEFT, NONE_LEFT]}, run_task("FARGATE_SPOT", 3))
        stub.add_response("run_task", {"tasks": [{}, {}], "failures": []}, run_task("FARGATE", 2))
        on_aws.provide(RUN_TASKS).start("run", 3)
        stub.assert_no_pending_responses()


def test_aws_a_task_that_does_not_start_at_all_raises_with_the_reason(on_aws: Any) -> None:
    with Stubber(aws._client("ecs")) as stub:
        for provider in ("FARGATE_SPOT", "FARGATE"):
            stub.add_response("run_task", {"tasks": [], "failures": [NONE_LEFT]}, run_task(provider, 1))
        with pytest.raises(aws.TasksNotStarted, match="did not start 1 of 1 run: Capacity is unavailable"):
            on_aws.provide(RUN_TASKS).start("run", 1)


def test_machine_requests_add_up_and_are_taken_once(machine: Machine) -> None:
    tasks.request(machine, "run", 2)
    tasks.request(machine, "run", 3)
    tasks.request(machine, "build", 1)
    assert sessions.run(machine.owner_url, tasks.take) == [("build", 1), ("run", 5)]
    assert sessions.run(machine.owner_url, tasks.take) == []


def test_machine_a_request_wakes_the_supervisor(machine: Machine) -> None:
    with psycopg.connect(machine.owner_url, autocommit=True) as listening:
        listening.execute(f"listen {tasks.CHANNEL}")
        tasks.request(machine, "run", 1)
        assert [notice.payload for notice in listening.notifies(timeout=5, stop_after=1)] == ["run"]
