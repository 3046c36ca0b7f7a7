"""What each capability means on AWS: the IAM statements, the environment, and the side of the network.

Total over `slipway.capabilities.ALL` (a test holds that). No CDK in here: the values of `Places` may be tokens or
plain strings, so the tests read this table as it is. A statement with a wildcard says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from slipway.capabilities import Capability, Kind
from slipway.function import Function
from slipway.mail import read_sender

from stacks.places import APP, DATABASE, OWNER, STAGE, Places

Side = Literal["inside", "outside"]


class BothSides(ValueError):
    """A function needs the VPC and the internet at once."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One IAM statement. `reason` is required where a wildcard stands in an action or a resource."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: dict[str, Any] | None = None
    reason: str = ""
    effect: Literal["Allow", "Deny"] = "Allow"

    @property
    def wild(self) -> bool:
        return any("*" in text for text in (*self.actions, *self.resources))

    def json(self) -> dict[str, Any]:
        statement: dict[str, Any] = {
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return statement | ({"Condition": self.condition} if self.condition else {})


@dataclass(frozen=True, slots=True)
class Grant:
    """`side` None: works on both sides of the network (through an endpoint of the VPC, or nothing is called)."""

    statements: tuple[Statement, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    side: Side | None = None


def database(capability: Capability[Any], at: Places) -> Grant:
    user = at.names.arn("rds-db", f"dbuser:{at.database_resource}/{APP}")
    return Grant(
        (Statement(("rds-db:connect",), (user,)),),
        {
            "SLIPWAY_DATABASE_URL": f"host={at.database_host} port=5432 dbname={DATABASE} user={APP} sslmode=require",
            "SLIPWAY_DATABASE_IAM": "1",
        },
        "inside",
    )


def migrations(capability: Capability[Any], at: Places) -> Grant:
    """No statement: isolated subnets have no way to Secrets Manager, and an interface endpoint for one call a deploy
    costs more than the rest of a lean network. CloudFormation puts the password there when it updates the function,
    which is whenever its layer, and so a migration, has changed; RDS replaces that password every seven days.
    libpq reads PGPASSWORD by itself, so a password with quotes or spaces needs no escaping.
    """
    password = f"{{{{resolve:secretsmanager:{at.owner_secret}:SecretString:password}}}}"
    url = f"host={at.cluster_host} port=5432 dbname={DATABASE} user={OWNER} sslmode=require"
    environment = {"SLIPWAY_MIGRATIONS_URL": url, "PGPASSWORD": password, "SLIPWAY_PLANS": at.plans}
    return Grant((), environment, "inside")


def queue(capability: Capability[Any], at: Places) -> Grant:
    name = capability.resource
    return Grant(
        (Statement(("sqs:SendMessage",), (at.names.queue_arn(name),)),),
        {f"SLIPWAY_QUEUE_{name.upper()}": at.names.queue_url(name)},
    )


def objects(capability: Capability[Any], at: Places) -> Grant:
    bucket = f"arn:{at.names.partition}:s3:::{at.names.ephemeral_bucket}"
    actions = ("s3:GetObject", "s3:PutObject") if capability.access == "write" else ("s3:GetObject",)
    return Grant(
        (
            Statement(
                actions, (f"{bucket}/{capability.resource}/*",), reason="keys are made at run time under a prefix"
            ),
            # Without it S3 answers 403, not 404, for an object that has expired.
            Statement(("s3:ListBucket",), (bucket,)),
        ),
        {"SLIPWAY_BUCKET_EPHEMERAL": at.names.ephemeral_bucket},
    )


def connections(capability: Capability[Any], at: Places) -> Grant:
    any_connection = at.names.arn("execute-api", f"{at.socket_api}/{STAGE}/*/@connections/*")
    return Grant(
        (
            Statement(
                ("execute-api:ManageConnections",),
                (any_connection,),
                reason="a connection's id is chosen by API Gateway when a client connects",
            ),
        ),
        {"SLIPWAY_CONNECTIONS_URL": f"https://{at.socket_api}.execute-api.{at.names.region}.amazonaws.com/{STAGE}"},
        "outside",
    )


def tasks(capability: Capability[Any], at: Places) -> Grant:
    family, names = at.names.task(capability.resource), at.names
    start_role = f"arn:{names.partition}:iam::{names.account}:role/{names.task_execution_role}"
    return Grant(
        (
            Statement(
                ("ecs:RunTask",),
                (names.arn("ecs", f"task-definition/{family}:*"),),
                {"ArnEquals": {"ecs:cluster": names.arn("ecs", f"cluster/{names.cluster}")}},
                reason="every deploy that changes the worker makes a new revision of the family",
            ),
            Statement(
                ("iam:PassRole",), (start_role,), {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
            ),
        ),
        {
            "SLIPWAY_CLUSTER": names.cluster,
            f"SLIPWAY_TASK_{capability.resource.upper()}": family,
            "SLIPWAY_TASK_SUBNETS": ",".join(at.worker_subnets),
            "SLIPWAY_TASK_SECURITY_GROUP": at.worker_group,
        },
        "outside",
    )


def worker_network(capability: Capability[Any], at: Places) -> Grant:
    """No statement: the security group of the dispatcher is what the workers' group lets in."""
    return Grant(side="inside")


def signing_keys(capability: Capability[Any], at: Places) -> Grant:
    """No statement: CloudFormation reads the secret, for the same reason as in `migrations`.

    To rotate: put `new,old` into the secret under a label of its own, write that label in cdk.json and deploy, since
    CloudFormation reads again only what has changed; later `new` alone in the same way (docs/decisions/0003).
    """
    seeds = f"{{{{resolve:secretsmanager:{at.signing_secret}:SecretString::{at.signing_label}}}}}"
    return Grant((), {"SLIPWAY_SIGNING_SEEDS": seeds})


def oidc_providers(capability: Capability[Any], at: Places) -> Grant:
    """Outside, where the providers are. No statement, as in `signing_keys`: a new value needs a label of its own."""
    value = f"{{{{resolve:secretsmanager:{at.oidc_secret}:SecretString::{at.oidc_label}}}}}" if at.oidc_secret else ""
    return Grant((), {"SLIPWAY_OIDC": value}, "outside")


def mail(capability: Capability[Any], at: Places) -> Grant:
    """As mail_from only. Without it the consumer may send nothing, and its letters end as dead letters that say why."""
    environment = {"SLIPWAY_MAIL_FROM": at.mail_from}
    if not at.mail_from:
        return Grant((), environment, "outside")
    send = Statement(
        ("ses:SendEmail", "ses:SendRawEmail"),
        (at.names.arn("ses", f"identity/{at.mail_identity}"),),
        {"StringEquals": {"ses:FromAddress": read_sender(at.mail_from).address}},
    )
    return Grant((send,), environment, "outside")


MAKERS: dict[Kind, Callable[[Capability[Any], Places], Grant]] = {
    "database": database,
    "migrations": migrations,
    "queue": queue,
    "objects": objects,
    "connections": connections,
    "tasks": tasks,
    "worker_network": worker_network,
    "signing_keys": signing_keys,
    "mail": mail,
    "oidc_providers": oidc_providers,
}


def grant(capability: Capability[Any], at: Places) -> Grant:
    return MAKERS[capability.kind](capability, at)


def side(function: Function, at: Places) -> Side:
    """Where the function runs; raises BothSides when its capabilities contradict each other."""
    by_side: dict[Side, list[str]] = {"inside": [], "outside": []}
    for capability in function.spec.uses:
        where = grant(capability, at).side
        if where is not None:
            by_side[where].append(capability.name)
    if by_side["inside"] and by_side["outside"]:
        raise BothSides(
            f"{function.spec.module} uses {', '.join(by_side['inside'])} (only inside the VPC) and "
            f"{', '.join(by_side['outside'])} (only outside of it, there is no NAT): split it in two functions and "
            "let the inner one send to a queue that the outer one consumes"
        )
    return "inside" if by_side["inside"] else "outside"


def only_outside(function: Function, at: Places) -> bool:
    """Whether it uses something that cannot be reached from inside of the VPC."""
    return any(grant(capability, at).side == "outside" for capability in function.spec.uses)


def merge(grants: Iterable[Grant]) -> Grant:
    """The statements and the environment of all of them, without repetitions."""
    statements: list[Statement] = []
    environment: dict[str, str] = {}
    for one in grants:
        statements += [statement for statement in one.statements if statement not in statements]
        environment |= one.environment
    return Grant(tuple(statements), environment)
