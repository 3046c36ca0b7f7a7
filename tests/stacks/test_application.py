"""Properties of all templates together."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import pytest
from cfnlint.api import lint_file  # type: ignore[attr-defined]
from slipway import discover

from stacks.environment import ROOT
from stacks.lambdas import physical_name
from stacks.queues import DEAD
from tests.stacks.conftest import Assembly, flat, synthesized
from tests.stacks.conftest import synth as synth_once

MOST_RESOURCES = 450  # CloudFormation stops at 500


def test_no_stack_comes_near_cloudformations_limit(assembly: Assembly) -> None:
    sizes = {stack: len(template.get("Resources", {})) for stack, template in assembly.templates.items()}
    assert max(sizes.values()) <= MOST_RESOURCES, f"split the folder of {max(sizes, key=lambda s: sizes[s])}"
    assert len(sizes) > 10


@pytest.mark.slow
@pytest.mark.timeout(300)  # two cores, and the other worker is busy too
def test_cfn_lint_has_nothing_to_say(assembly: Assembly) -> None:
    said = [str(match) for file in sorted(assembly.folder.glob("*.template.json")) for match in lint_file(file)]
    assert said == []


@pytest.mark.slow
@pytest.mark.timeout(300)  # two cores, and the other worker is busy too
def test_a_second_synthesis_writes_the_same_templates(shared: Path, tmp_path: Path) -> None:
    first = synthesized("dev", shared)
    if newest_source() > (first.folder / "manifest.json").stat().st_mtime:  # somebody is editing this checkout
        first = synth_once("dev", tmp_path / "first")
    again = synth_once("dev", tmp_path / "second")
    assert again.templates == first.templates
    assert json.loads((again.folder / "manifest.json").read_text())["artifacts"].keys() == (
        json.loads((first.folder / "manifest.json").read_text())["artifacts"].keys()
    )


def newest_source() -> float:
    folders = [ROOT / "functions", ROOT / "layers", ROOT / "stacks"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    return max(path.stat().st_mtime for path in files)


def test_every_declared_function_is_a_lambda_and_nothing_else_is(assembly: Assembly) -> None:
    names = [p["FunctionName"] for p in assembly.of("AWS::Lambda::Function").values()]
    prefix = f"slipway-{assembly.name}"
    wanted = [physical_name(prefix, f) for f in discover.functions() if f.kind != "task"]
    assert sorted(names) == sorted([*wanted, f"{prefix}-invoke-on-deploy"])


def test_every_task_has_a_definition(assembly: Assembly) -> None:
    families = {p["Family"] for p in assembly.of("AWS::ECS::TaskDefinition").values()}
    tasks = {task.spec.module.rsplit(".", 1)[-1] for task in discover.tasks()}
    assert families == {f"slipway-{assembly.name}-{task}" for task in tasks}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS::Lambda::Function", "FunctionName"),
        ("AWS::Logs::LogGroup", "LogGroupName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::CloudWatch::Alarm", "AlarmName"),
    ],
)
def test_no_physical_name_is_given_twice(assembly: Assembly, kind: str, name: str) -> None:
    given = collections.Counter(flat(p[name]) for p in assembly.of(kind).values() if name in p)
    assert [n for n, count in given.items() if count > 1] == []
    assert given


def test_every_queue_has_a_dead_letter_queue(assembly: Assembly) -> None:
    queues = {p["QueueName"]: p for p in assembly.of("AWS::SQS::Queue").values()}
    live = {name: p for name, p in queues.items() if not name.endswith(DEAD)}
    assert live
    for name, properties in live.items():
        target = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert assembly.resources["queues", target]["Properties"]["QueueName"] == name + DEAD
    assert all(p["SqsManagedSseEnabled"] for p in queues.values())


def test_no_security_group_lets_the_world_in(assembly: Assembly) -> None:
    inward = list(assembly.of("AWS::EC2::SecurityGroupIngress").values())
    for properties in assembly.of("AWS::EC2::SecurityGroup").values():
        inward += properties.get("SecurityGroupIngress", [])
    assert inward
    assert [rule for rule in inward if "CidrIp" in rule or "CidrIpv6" in rule] == []


def test_an_import_is_always_of_something_exported(assembly: Assembly) -> None:
    exported = {
        output["Export"]["Name"]
        for template in assembly.templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    imported: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if "Fn::ImportValue" in value:
                imported.add(str(value["Fn::ImportValue"]))
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(assembly.templates)
    assert imported
    assert imported <= exported
