"""Two sides of every capability: AWS in the shape of moto's server, and one machine with a real Postgres.

A behaviour test takes `side`, which is each of them in turn, and looks at the far end through the side itself.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
import psycopg
import pytest
import uvicorn
from moto.server import ThreadedMotoServer
from slipway import aws, catalogue, settings
from slipway.capabilities import Capability

from stacks.local import postgres, queues, sessions, tasks
from stacks.local.capabilities import provider
from stacks.local.machine import Machine, open_or_create
from stacks.local.object_server import objects_app
from tests.capabilities.gateway import Gateway, serving

REGION = "eu-west-1"
BUCKET = "slipway-ephemeral"


def free_ports() -> int:
    """A port that is free together with the second one after it: objects at one, `@connections` at the other."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("pg")) as running:
        yield running


@pytest.fixture(scope="session")
def home(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine's addresses; the gateway and the object server listen on its ports only in the tests that want them."""
    owner, app = postgres.bootstrap(server.superuser_url)
    machine = replace(open_or_create(tmp_path_factory.mktemp("data"), free_ports(), 0), owner_url=owner, app_url=app)
    queues.create(owner)
    yield machine
    sessions.close(owner)


@pytest.fixture
def machine(home: Machine) -> Machine:
    """The machine with empty queues."""
    with psycopg.connect(home.owner_url) as connection:
        connection.execute("truncate local.messages, local.schedules, local.task_requests")
    return home


@pytest.fixture
def gateway(home: Machine) -> Iterator[Gateway]:
    gateway = Gateway(home.access_key, home.secret_key)
    gateway.port = home.port + 2
    with serving(gateway):
        yield gateway


@pytest.fixture
def object_server(home: Machine) -> Iterator[str]:
    config = uvicorn.Config(objects_app(home), host="127.0.0.1", port=home.port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield home.public_url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Aws:
    """`client` reaches moto as an operator would, beside the code under test."""

    name = "aws"

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client

    def provide(self, capability: Capability[Any]) -> Any:
        return aws.provider(capability)

    def received(self, queue: str) -> list[str]:
        sqs, url = self.client("sqs"), settings.get(f"SLIPWAY_QUEUE_{queue.upper()}")
        bodies: list[str] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in found]
        return bodies

    def running(self) -> list[str]:
        found: list[str] = self.client("ecs").list_tasks(cluster="workers", desiredStatus="RUNNING")["taskArns"]
        return found

    def started(self) -> int:
        return len(self.running())


class OneMachine:
    name = "machine"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.provide = provider(machine)

    def received(self, queue: str) -> list[str]:
        source = next(q for q in catalogue.QUEUES if q.name == queue)
        bodies: list[str] = []
        while found := sessions.run(self.machine.owner_url, lambda c: queues.receive(c, source, 10)):
            bodies += [message.body for message in found]
        return bodies

    def started(self) -> int:
        return sum(count for _, count in sessions.run(self.machine.owner_url, tasks.take))


@pytest.fixture(scope="session")
def deployed(moto: str, home: Machine) -> tuple[Aws, dict[str, str]]:
    """An account with what the stacks would have deployed, and the environment that functions find there."""
    session = boto3.Session(home.access_key, home.secret_key, region_name=REGION)
    side = Aws(cache(lambda service: session.client(service, endpoint_url=moto)))
    return side, {
        **deploy(side),
        "SLIPWAY_CONNECTIONS_URL": home.connections_url,
        "AWS_ENDPOINT_URL": moto,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": home.access_key,
        "AWS_SECRET_ACCESS_KEY": home.secret_key,
    }


@pytest.fixture
def on_aws(deployed: tuple[Aws, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """That account with queues of its own, nothing running, and settings as the stacks set them."""
    side, environment = deployed
    for queue in catalogue.QUEUES:
        url = side.client("sqs").create_queue(QueueName=f"{queue.name}-{uuid4()}")["QueueUrl"]
        monkeypatch.setenv(f"SLIPWAY_QUEUE_{queue.name.upper()}", url)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    boto3.setup_default_session()
    settings.reset()
    aws._client.cache_clear()
    for task in side.running():
        side.client("ecs").stop_task(cluster="workers", task=task)
    yield side
    aws._client.cache_clear()
    settings.reset()


def deploy(side: Aws) -> dict[str, str]:
    side.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    ec2, ecs = side.client("ec2"), side.client("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="workers", Description="workers", VpcId=vpc)["GroupId"]
    ecs.create_cluster(clusterName="workers", capacityProviders=["FARGATE", "FARGATE_SPOT"])
    ecs.register_task_definition(
        family="run",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "worker", "image": "worker", "memory": 512}],
    )
    return {
        "SLIPWAY_BUCKET_EPHEMERAL": BUCKET,
        "SLIPWAY_CLUSTER": "workers",
        "SLIPWAY_TASK_RUN": "run",
        "SLIPWAY_TASK_SUBNETS": subnet,
        "SLIPWAY_TASK_SECURITY_GROUP": group,
        "SLIPWAY_SIGNING_SEEDS": "aa" * 32 + ", " + "bb" * 32,
        "SLIPWAY_DATABASE_URL": "postgresql://slipway_app@db.example:5432/slipway",
        "SLIPWAY_MIGRATIONS_URL": "postgresql://db.example:5432/slipway",
    }


@pytest.fixture(params=["aws", "machine"])
def side(request: pytest.FixtureRequest) -> Aws | OneMachine:
    if request.param == "aws":
        found: Aws = request.getfixturevalue("on_aws")
        return found
    return OneMachine(request.getfixturevalue("machine"))
