"""What one stack tells another: names, ids and addresses. Physical names are fixed wherever that is safe, because a
value exported from one stack and imported by another locks both deploys; only ids that AWS chooses are exported."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.roles import APP, OWNER

__all__ = ["APP", "DATABASE", "OWNER", "STAGE", "Names", "Places"]  # OWNER is Aurora's master user

DATABASE = "slipway"
STAGE = "live"  # of the WebSocket API, whose stage stands in every URL; also the alias of every function


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Physical names and ARNs of one environment. Plain strings, which may hold CDK tokens."""

    prefix: str
    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def queue(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def queue_arn(self, name: str) -> str:
        return self.arn("sqs", self.queue(name))

    def queue_url(self, name: str) -> str:
        return f"https://sqs.{self.region}.amazonaws.com/{self.account}/{self.queue(name)}"

    @property
    def ephemeral_bucket(self) -> str:
        """Bucket names are global, so account and region are part of it."""
        return f"{self.prefix}-ephemeral-{self.account}-{self.region}"

    @property
    def cluster(self) -> str:
        return f"{self.prefix}-workers"

    @property
    def service(self) -> str:
        """The ECS service that keeps workers warm."""
        return f"{self.prefix}-warm"

    def task(self, name: str) -> str:
        """A task definition's family."""
        return f"{self.prefix}-{name}"

    @property
    def task_execution_role(self) -> str:
        return f"{self.prefix}-{self.region}-task-start"

    def log_group(self, domain: str) -> str:
        return f"/{self.prefix.replace('-', '/', 1)}/{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The ids that AWS chose, for `stacks.capabilities` and the functions' network."""

    names: Names
    stage: str
    database_host: str  # the proxy's, or the cluster's
    database_resource: str  # the id that rds-db:connect names
    cluster_host: str
    owner_secret: str  # ARN
    signing_secret: str  # ARN
    signing_label: str  # the staging label of the secret's version
    oidc_secret: str  # name or ARN; empty: nobody logs in through a provider
    oidc_label: str
    isolated_subnets: tuple[str, ...]
    function_group: str  # security groups
    dispatcher_group: str
    worker_subnets: tuple[str, ...]
    worker_group: str
    http_api: str
    socket_api: str
    public_url: str
    socket_url: str
    web_url: str  # the web app's; empty where it is at the public URL
    plans: str  # what new teams get: unlimited or tiered
    mail_from: str  # empty: this environment sends no e-mail
    mail_identity: str  # the SES identity that it is sent under
