from __future__ import annotations

import json

from slipway import discover

from stacks import code
from stacks.execution import USER
from tests.stacks.conftest import Assembly, flat


def container(assembly: Assembly) -> dict[str, object]:
    (definition,) = assembly.of("AWS::ECS::TaskDefinition").values()
    (one,) = definition["ContainerDefinitions"]
    return dict(one)


def test_a_worker_has_no_role_no_root_and_no_disk_of_its_own(assembly: Assembly) -> None:
    (definition,) = assembly.of("AWS::ECS::TaskDefinition").values()
    assert "TaskRoleArn" not in definition
    assert container(assembly)["ReadonlyRootFilesystem"] is True
    assert container(assembly)["User"] == USER
    assert "privileged" not in json.dumps(definition).lower()


def test_the_size_and_the_port_are_the_declared_ones(assembly: Assembly) -> None:
    (task,) = discover.tasks()
    (definition,) = assembly.of("AWS::ECS::TaskDefinition").values()
    assert (definition["Cpu"], definition["Memory"]) == (str(task.spec.cpu), str(task.spec.memory))
    assert container(assembly)["PortMappings"] == [{"ContainerPort": task.spec.port, "Protocol": "tcp"}]


def test_nothing_secret_is_handed_to_a_worker(assembly: Assembly) -> None:
    text = json.dumps(container(assembly))
    assert "secretsmanager" not in text
    assert "database" not in text


def test_workers_get_the_public_address_that_subnets_without_a_nat_need(assembly: Assembly) -> None:
    (service,) = assembly.of("AWS::ECS::Service").values()
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert {flat(subnet) for subnet in network["Subnets"]} == {
        f"${{slipway-{assembly.name}-public-{n}}}" for n in (0, 1)
    }


def test_warm_workers_stay_between_the_bounds_of_the_environment(prod: Assembly) -> None:
    (target,) = prod.of("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 50)
    alarms = {id: p for (stack, id), p in prod.of("AWS::CloudWatch::Alarm").items() if stack == "execution"}
    assert {p["Dimensions"][0]["Value"] for p in alarms.values()} == {"slipway-prod-runs"}


def test_the_image_is_made_from_what_it_copies(assembly: Assembly) -> None:
    """No engine here to build it: at least every COPY finds its source, and the user is the template's."""
    context = code.worker()
    lines = (context / "functions" / "task" / "Dockerfile").read_text().splitlines()
    sources = [line.split()[1] for line in lines if line.startswith("COPY ")]
    assert sources
    for source in sources:
        assert (context / source).is_dir(), source
    assert f"USER {USER}" in lines
    assert all(":" in line and not line.endswith("latest") for line in lines if line.startswith("FROM "))
