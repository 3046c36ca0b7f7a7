"""The table of grants, and that each role in the templates holds exactly what its function's capabilities name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from slipway import capabilities as declared
from slipway import discover, settings
from slipway.capabilities import CONNECTIONS, DATABASE, RUNS_QUEUE
from slipway.function import Function

from stacks import capabilities, environment
from stacks.background import CONSUME
from stacks.capabilities import BothSides, Statement
from stacks.lambdas import physical_name
from stacks.places import Names, Places
from tests.stacks.conftest import Assembly, flat

DESCRIBED = environment.context()["environments"]
ACCOUNT = r"\$\{AWS::Region\}:\$\{AWS::AccountId\}"
BUCKET = r"arn:\$\{AWS::Partition\}:s3:::slipway-\w+-ephemeral-\$\{AWS::AccountId\}-\$\{AWS::Region\}"


def arn(service: str, resource: str) -> str:
    return rf"arn:\$\{{AWS::Partition\}}:{service}:{ACCOUNT}:{resource}"


# Written by hand, and apart from stacks/capabilities.py: what each capability may open, as (action, pattern).
# If this test fails because a capability needs more, say here what and let somebody else read it.
OPENS: dict[str, list[tuple[str, str]]] = {
    "database": [("rds-db:connect", arn("rds-db", r"dbuser:\$\{slipway-\w+-database-resource\}/slipway_app"))],
    "migrations": [],
    "runs_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-runs"))],
    "broadcast_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-broadcast"))],
    "gone_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-gone"))],
    "workers_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-workers"))],
    "bundles_write": [
        ("s3:GetObject", BUCKET + r"/bundles/\*"),
        ("s3:PutObject", BUCKET + r"/bundles/\*"),
        ("s3:ListBucket", BUCKET),
    ],
    "artifacts_read": [("s3:GetObject", BUCKET + r"/artifacts/\*"), ("s3:ListBucket", BUCKET)],
    "artifacts_write": [
        ("s3:GetObject", BUCKET + r"/artifacts/\*"),
        ("s3:PutObject", BUCKET + r"/artifacts/\*"),
        ("s3:ListBucket", BUCKET),
    ],
    "connections": [
        ("execute-api:ManageConnections", arn("execute-api", r"\$\{slipway-\w+-socket-api\}/live/\*/@connections/\*"))
    ],
    "run_tasks": [
        ("ecs:RunTask", arn("ecs", r"task-definition/slipway-\w+-run:\*")),
        (
            "iam:PassRole",
            r"arn:\$\{AWS::Partition\}:iam::\$\{AWS::AccountId\}:role/slipway-\w+-\$\{AWS::Region\}-task-start",
        ),
    ],
    "worker_network": [],
    "signing_keys": [],
    "oidc_providers": [],
    "mail_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-mail"))],
    "inquiries_queue": [("sqs:SendMessage", arn("sqs", r"slipway-\w+-inquiries"))],
    "mail": [(f"ses:{a}", arn("ses", r"identity/[\w.]*example\.com")) for a in ("SendEmail", "SendRawEmail")],
}
INTERFACES = [(f"ec2:{a}", r"\*") for a in (
    "CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets",
)]  # fmt: skip
LOGS = arn("logs", r"log-group:/slipway/[\w/]+:\*")
EVERY = [("logs:CreateLogStream", LOGS), ("logs:PutLogEvents", LOGS)]

PLACES = Places(
    names=Names(prefix="slipway-test", partition="aws", region="eu-central-1", account="123456789012"),
    stage="test",
    database_host="database.internal",
    database_resource="cluster-ABC",
    cluster_host="cluster.internal",
    owner_secret="arn:owner",
    signing_secret="arn:signing",
    signing_label="AWSCURRENT",
    oidc_secret="arn:oidc",
    oidc_label="AWSCURRENT",
    isolated_subnets=("subnet-1",),
    function_group="sg-functions",
    dispatcher_group="sg-dispatcher",
    worker_subnets=("subnet-2", "subnet-3"),
    worker_group="sg-workers",
    http_api="http",
    socket_api="socket",
    public_url="https://http",
    socket_url="wss://socket",
    web_url="https://web",
    plans="tiered",
    mail_from="Slipway <no-reply@mail.example>",
    mail_identity="mail.example",
)


def lambdas() -> list[Function]:
    return [f for f in discover.functions() if f.kind != "task"]


@pytest.mark.parametrize("capability", declared.ALL, ids=lambda c: c.name)
def test_every_capability_has_a_grant_and_a_line_in_the_table_above(capability: declared.Capability[Any]) -> None:
    grant = capabilities.grant(capability, PLACES)
    known = {setting.name for setting in settings.SETTINGS} | {"PGPASSWORD"}
    assert set(grant.environment) <= known
    assert capability.name in OPENS


def test_the_table_above_names_no_capability_that_is_gone() -> None:
    assert set(OPENS) == {capability.name for capability in declared.ALL}


@pytest.mark.parametrize("capability", declared.ALL, ids=lambda c: c.name)
def test_no_wildcard_goes_without_a_reason(capability: declared.Capability[Any]) -> None:
    for statement in capabilities.grant(capability, PLACES).statements:
        assert not any("*" in action for action in statement.actions)
        assert bool(statement.reason) == statement.wild, statement


def test_a_wildcard_is_recognised_in_actions_and_in_resources() -> None:
    assert Statement(("s3:*",), ("x",)).wild
    assert Statement(("s3:GetObject",), ("x/*",)).wild
    assert not Statement(("s3:GetObject",), ("x",)).wild


def test_each_role_holds_exactly_what_its_function_declares(assembly: Assembly) -> None:
    functions = {p["FunctionName"]: (stack, p) for (stack, _), p in assembly.of("AWS::Lambda::Function").items()}
    for function in lambdas():
        stack, properties = functions[physical_name(f"slipway-{assembly.name}", function)]
        role = assembly.resources[stack, properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        wanted = [*EVERY, *(pair for used in function.spec.uses for pair in opens(assembly, used.name))]
        wanted += INTERFACES if "VpcConfig" in properties else []
        if function.kind == "queue":
            wanted += [(action, arn("sqs", rf"slipway-\w+-{function.spec.queue.name}")) for action in CONSUME]
        held = pairs(role, "Allow")
        too_much = [pair for pair in held if not any(covers(allowed, pair) for allowed in wanted)]
        too_little = [allowed for allowed in wanted if not any(covers(allowed, pair) for pair in held)]
        assert too_much == [], f"{function.spec.module} is granted what it does not declare"
        assert too_little == [], f"{function.spec.module} declares what it is not granted"


def opens(assembly: Assembly, capability: str) -> list[tuple[str, str]]:
    """An environment without `mail_from` sends nothing, and its consumer may not."""
    silent = capability == "mail" and not environment.read(assembly.name, DESCRIBED).mail_from
    return [] if silent else OPENS[capability]


def pairs(role: dict[str, Any], effect: str) -> list[tuple[str, str]]:
    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
    return [
        (action, flat(resource))
        for statement in statements
        if statement["Effect"] == effect
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]


def covers(allowed: tuple[str, str], pair: tuple[str, str]) -> bool:
    return allowed[0] == pair[0] and re.fullmatch(allowed[1], pair[1]) is not None


def test_each_environment_is_what_its_function_declares(assembly: Assembly) -> None:
    """A setting that no capability brought would be a permission in disguise."""
    everyone = {
        "SLIPWAY_STAGE",
        "SLIPWAY_FUNCTION",
        "SLIPWAY_PUBLIC_URL",
        "SLIPWAY_SOCKET_URL",
        "SLIPWAY_WEB_URL",
        "SLIPWAY_REGISTRATION",
    }
    functions = {p["FunctionName"]: p for p in assembly.of("AWS::Lambda::Function").values()}
    for function in lambdas():
        properties = functions[physical_name(f"slipway-{assembly.name}", function)]
        brought = {name for used in function.spec.uses for name in capabilities.grant(used, PLACES).environment}
        assert set(properties["Environment"]["Variables"]) == everyone | brought


def test_a_function_is_inside_the_vpc_exactly_when_a_capability_of_its_needs_it(assembly: Assembly) -> None:
    functions = {p["FunctionName"]: p for p in assembly.of("AWS::Lambda::Function").values()}
    for function in lambdas():
        inside = bool({c.kind for c in function.spec.uses} & {"database", "migrations", "worker_network"})
        assert ("VpcConfig" in functions[physical_name(f"slipway-{assembly.name}", function)]) == inside


def test_only_the_function_that_pushes_jobs_is_let_in_by_the_workers(assembly: Assembly) -> None:
    for function in lambdas():
        for properties in assembly.of("AWS::Lambda::Function").values():
            if properties["FunctionName"] == physical_name(f"slipway-{assembly.name}", function):
                groups = [flat(g) for g in properties.get("VpcConfig", {}).get("SecurityGroupIds", [])]
                pushes = declared.WORKER_NETWORK in function.spec.uses
                assert (f"${{slipway-{assembly.name}-dispatcher-group}}" in groups) == pushes


def test_a_function_that_needs_both_sides_of_the_network_is_refused() -> None:
    function = discover.queues()[0]
    both = type(function)(replace(function.spec, uses=(DATABASE, RUNS_QUEUE, CONNECTIONS)), function.body)
    with pytest.raises(BothSides, match=r"database.*connections.*split it in two functions"):
        capabilities.side(both, PLACES)


def test_the_code_of_a_function_may_not_use_its_hold_on_network_interfaces(prod: Assembly) -> None:
    for (stack, _), properties in prod.of("AWS::Lambda::Function").items():
        role = prod.resources[stack, properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        allowed = {action for action, _ in pairs(role, "Allow") if action.startswith("ec2:")}
        assert allowed == {action for action, _ in pairs(role, "Deny")}
