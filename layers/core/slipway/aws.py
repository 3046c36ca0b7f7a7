"""The capabilities on AWS. The only module that imports boto3, and only when a function first needs a client."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from slipway import clock, object_names, settings
from slipway.batches import NotSent, batches
from slipway.capabilities import Capability, Kind, OidcProviders, UndeclaredUse
from slipway.worker_network import HttpWorkerNetwork

if TYPE_CHECKING:
    from slipway.mail import Letter

ATTEMPTS = 4  # to send the part of a batch that SQS did not take
BACKOFF_SECONDS = 0.1  # before the second attempt, doubled after that
TASKS_PER_CALL = 10  # RunTask's own limit
TOKEN_AGE = timedelta(minutes=10)  # an RDS token opens connections for 15
_creating = threading.Lock()


@cache
def _client(service: str, endpoint: str | None = None) -> Any:
    """One client per process: making one costs a hundred milliseconds, and boto3's default session is not
    thread-safe while it does."""
    with _creating:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            signature_version="s3v4" if service == "s3" else None,
            # A checksum would become part of a presigned URL, and the client that PUTs does not send one.
            request_checksum_calculation="when_required",
        )
        return boto3.client(service, endpoint_url=endpoint, config=config)


class SqsQueue:
    def __init__(self, name: str) -> None:
        self._url = settings.get(f"SLIPWAY_QUEUE_{name.upper()}")

    def send(self, bodies: Sequence[str], delay_seconds: int = 0) -> None:
        for batch in batches(bodies, delay_seconds):
            entries = [
                {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_seconds}
                for number, body in enumerate(batch)
            ]
            self._send(entries)

    def _send(self, entries: list[dict[str, Any]]) -> None:
        """SQS may take a part of a batch only: the rest is sent again, then NotSent is raised."""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
            answer = _client("sqs").send_message_batch(QueueUrl=self._url, Entries=entries)
            failed = answer.get("Failed", [])
            if not failed:
                return
            if any(failure["SenderFault"] for failure in failed):
                break
            ids = {failure["Id"] for failure in failed}
            entries = [entry for entry in entries if entry["Id"] in ids]
        raise NotSent(f"{self._url} refused {len(failed)} messages: {failed[0]['Code']} {failed[0].get('Message', '')}")


class S3Objects:
    """Presigned URLs end when the function's own credentials do, which on Lambda is hours ahead.

    The role needs s3:ListBucket on the whole bucket: without it S3 answers 403, not 404, for what is not there.
    """

    def __init__(self, prefix: str, access: str) -> None:
        self._bucket = settings.get("SLIPWAY_BUCKET_EPHEMERAL")
        self._prefix = prefix
        self._access = access

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{object_names.check(key)}"}

    def _for_writing(self) -> None:
        if self._access != "write":
            raise UndeclaredUse(f"{self._prefix}_{self._access} does not write: declare {self._prefix}_write")

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        self._for_writing()
        _client("s3").put_object(**self._at(key), Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes | None:
        s3 = _client("s3")
        try:
            content: bytes = s3.get_object(**self._at(key))["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return content

    def exists(self, key: str) -> bool:
        s3 = _client("s3")
        try:
            s3.head_object(**self._at(key))
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return False
        return True

    def url_to_get(self, key: str, seconds: int, filename: str | None = None) -> str:
        parameters = self._at(key)
        if filename is not None:
            parameters["ResponseContentDisposition"] = object_names.disposition(filename)
        return self._signed("get_object", parameters, seconds)

    def url_to_put(self, key: str, seconds: int, size: int) -> str:
        self._for_writing()
        return self._signed("put_object", self._at(key) | {"ContentLength": size}, seconds)

    def _signed(self, operation: str, parameters: dict[str, Any], seconds: int) -> str:
        expires = object_names.lifetime(seconds)
        return str(_client("s3").generate_presigned_url(operation, Params=parameters, ExpiresIn=expires))


class ApiGatewayConnections:
    def post(self, connection_id: str, data: bytes) -> bool:
        return self._reached("post_to_connection", ConnectionId=connection_id, Data=data)

    def close(self, connection_id: str) -> None:
        self._reached("delete_connection", ConnectionId=connection_id)

    def _reached(self, operation: str, **parameters: Any) -> bool:
        api = _client("apigatewaymanagementapi", settings.get("SLIPWAY_CONNECTIONS_URL"))
        try:
            getattr(api, operation)(**parameters)
        except api.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 410:
                raise
            return False
        return True


class TasksNotStarted(RuntimeError):
    """ECS did not start all tasks that were asked for."""


class EcsTasks:
    """Spot first, since a worker is used once and its run is tried again; on demand for what Spot lacks."""

    def start(self, task: str, count: int) -> None:
        for done in range(0, count, TASKS_PER_CALL):
            wanted = min(TASKS_PER_CALL, count - done)
            failures = self._run(task, wanted, "FARGATE_SPOT")
            if failures:
                failures = self._run(task, len(failures), "FARGATE")
            if failures:
                raise TasksNotStarted(f"ECS did not start {len(failures)} of {wanted} {task}: {failures[0]['reason']}")

    def _run(self, task: str, count: int, provider: str) -> list[dict[str, str]]:
        """The failures, one for each task that was not started."""
        answer = _client("ecs").run_task(
            cluster=settings.get("SLIPWAY_CLUSTER"),
            taskDefinition=settings.get(f"SLIPWAY_TASK_{task.upper()}"),
            count=count,
            capacityProviderStrategy=[{"capacityProvider": provider, "weight": 1}],
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": settings.get("SLIPWAY_TASK_SUBNETS").split(","),
                    "securityGroups": [settings.get("SLIPWAY_TASK_SECURITY_GROUP")],
                    "assignPublicIp": "ENABLED",  # there is no NAT: stacks/network.py says why
                }
            },
        )
        missing = count - len(answer["tasks"])
        reasons: list[dict[str, str]] = answer.get("failures", [])
        return (reasons + [{"reason": "no reason given"}] * missing)[:missing]


class SettingSeeds:
    def seeds(self) -> Sequence[str]:
        return [seed.strip() for seed in settings.get("SLIPWAY_SIGNING_SEEDS").split(",") if seed.strip()]


_tokens: dict[tuple[str, str, str], tuple[datetime, str]] = {}


def _iam_token(host: str, port: str, user: str) -> str:
    """The RDS password that IAM vouches for: a SigV4 query, signed without a client and without a network."""
    now = clock.now()  # the monotonic clock may stand still while Lambda keeps the environment frozen
    made, token = _tokens.get((host, port, user), (now, ""))
    if token and now - made < TOKEN_AGE:
        return token
    import botocore.session
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest

    session = botocore.session.get_session()
    in_name = re.search(r"\.([a-z0-9-]+)\.rds\.amazonaws\.com", host)
    region = in_name[1] if in_name else session.get_config_variable("region")
    request = AWSRequest(method="GET", url=f"https://{host}:{port}/", params={"Action": "connect", "DBUser": user})
    SigV4QueryAuth(session.get_credentials(), "rds-db", region, expires=900).add_auth(request)
    token = str(request.prepare().url).removeprefix("https://")
    _tokens[host, port, user] = (now, token)
    return token


class RdsAddress:
    """The application role at Aurora or its proxy, which could not share a connection that has prepared statements."""

    prepares = False

    def conninfo(self) -> str:
        url = settings.get("SLIPWAY_DATABASE_URL")
        if settings.get("SLIPWAY_DATABASE_IAM") != "1":
            return url
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        password = _iam_token(parts["host"], parts.get("port", "5432"), parts["user"])
        # RDS takes a token over TLS only.
        return make_conninfo(**{"sslmode": "require", **parts, "password": password})


class OwnerAddress:
    """The migrations role. Its password comes as libpq's own PGPASSWORD: stacks/capabilities.py says why."""

    prepares = False

    def conninfo(self) -> str:
        return settings.get("SLIPWAY_MIGRATIONS_URL")


class SesMail:
    """SES v2, which takes the message as written and puts a Message-ID of its own over ours."""

    def send(self, message: Letter) -> None:
        """What SES says may quote addresses, so only its error's code goes on."""
        from slipway import mail

        by = mail.sender()
        ses = _client("sesv2")
        try:
            ses.send_email(
                FromEmailAddress=by.address,
                Destination={"ToAddresses": [message.to]},
                Content={"Raw": {"Data": mail.written(message, by)}},
            )
        except ses.exceptions.ClientError as error:
            code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "").lower()
            # Our own identity that is not verified is rejected in the same way: that passes when somebody mends it.
            if code in ("MessageRejected", "BadRequestException") and by.address.lower() not in said:
                raise mail.Refused(code) from None
            raise mail.Deferred(f"SES answered {code}: is mail_from's domain verified, and sending allowed?") from None


def _setting_providers() -> OidcProviders:
    from slipway.oidc.providers import SettingProviders  # here, because it brings pydantic along

    return SettingProviders()


MAKERS: dict[Kind, Callable[[Capability[Any]], Any]] = {
    "database": lambda _: RdsAddress(),
    "migrations": lambda _: OwnerAddress(),
    "queue": lambda capability: SqsQueue(capability.resource),
    "objects": lambda capability: S3Objects(capability.resource, capability.access),
    "connections": lambda _: ApiGatewayConnections(),
    "tasks": lambda _: EcsTasks(),
    "worker_network": lambda _: HttpWorkerNetwork(),
    "signing_keys": lambda _: SettingSeeds(),
    "mail": lambda _: SesMail(),
    "oidc_providers": lambda _: _setting_providers(),
}


def provider(capability: Capability[Any]) -> Any:
    """The client for a capability. `settings` name the queue, bucket or cluster that it is about."""
    return MAKERS[capability.kind](capability)
