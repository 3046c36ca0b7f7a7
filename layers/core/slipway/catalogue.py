"""Every place that keeps data: its class, how long it is kept, how it is backed up.

Three classes (docs/data.md is generated from here, a test fails on anything that is not listed):

critical        rows in Postgres; migrated, indexed, backed up; an acknowledged write has been committed
semi-critical   append-only, loss-tolerant
ephemeral       can be made again: object storage with a TTL, queues, or rows whose loss breaks nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

DataClass = Literal["critical", "semi-critical", "ephemeral"]
Whose = Literal["a team's", "a person's", "the platform's"]
TEAM, PERSON, NOBODY = cast(tuple[Whose, ...], get_args(Whose))


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    data_class: DataClass
    whose: Whose  # forced row-level security compares team_id (teams: id) or user_id (users: id)
    retention: str
    why: str

    @property
    def tenant(self) -> bool:
        return self.whose == TEAM

    @property
    def personal(self) -> bool:
        return self.whose == PERSON


@dataclass(frozen=True, slots=True)
class Prefix:
    """A key prefix of the bucket of its class, `<bucket>/<prefix>/…`; `ttl_days` becomes a lifecycle rule."""

    name: str
    data_class: DataClass
    ttl_days: int
    why: str


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue with a dead-letter queue behind it; on one machine the same semantics in Postgres.

    `visibility_seconds` must be at least six times the consumer's timeout (TRAPS 20); a test holds that.
    """

    name: str
    data_class: DataClass
    visibility_seconds: int
    max_receives: int
    batch_size: int
    why: str


RUNS = Queue(
    "runs", "ephemeral", 60, 3, 1, "runs to dispatch and to cancel; made again from the runs' rows by the reconciler"
)
BROADCAST = Queue(
    "broadcast",
    "ephemeral",
    60,
    3,
    10,
    "room events for open connections; a client that misses one asks for it by its number",
)
GONE = Queue("gone", "ephemeral", 60, 3, 10, "connections that answered 410; the hourly sweep finds them too")
WORKERS = Queue(
    "workers",
    "ephemeral",
    180,
    3,
    1,
    "requests to start a worker task when no warm one is free; the run's own message waits its turn",
)
MAIL = Queue(
    "mail",
    "ephemeral",  # the letter's row is in the outbox until the queue has it; one that is lost can be asked for again
    180,
    10,
    1,
    "letters to people; half an hour of tries outlasts a throttle, and who got none asks for another",
)
INQUIRIES = Queue(
    "inquiries",
    "ephemeral",  # as with letters: asking again is all that a lost one costs
    180,
    5,
    1,
    "what strangers ask about an address: answered by letter only, so that nobody else learns whether it has an account",
)
QUEUES = (RUNS, BROADCAST, GONE, WORKERS, MAIL, INQUIRIES)

BUNDLES = Prefix(
    "bundles", "ephemeral", 1, "source trees on their way to a worker, by tree hash; packed again from the blobs"
)
ARTIFACTS = Prefix("artifacts", "ephemeral", 7, "files that a run left behind; running again makes them again")
PREFIXES = (BUNDLES, ARTIFACTS)

_WITH_ITS_TEAM = "until its team is deleted"
_WITH_ITS_PROJECT = "until its project is deleted"
_WITH_ITS_USER = "until its user is deleted"

TABLES = (
    Table("users", "critical", PERSON, "until deleted", "people and their password hashes; each sees their own row"),
    Table("sessions", "critical", PERSON, "30 days after it ended", "sign-ins; good for 60 days, or until revoked"),
    Table("refresh_tokens", "critical", PERSON, "until its session is deleted", "hashes; renew a session and show misuse"),
    Table("email_tokens", "critical", PERSON, "until used, two days at most", "hashes of the tokens in letters, one of a kind"),
    Table("registrations", "critical", NOBODY, "two days at most", "who has yet to open the letter that registers them"),
    Table("identities", "critical", PERSON, _WITH_ITS_USER, "who somebody is at a provider: issuer, subject"),
    Table("oidc_logins", "critical", NOBODY, "an hour", "ids of the provider logins that are over, so that none is used twice"),
    Table("login_attempts", "ephemeral", NOBODY, "an hour", "failed logins by address and network; unlogged, none after a crash"),
    Table("signing_keys", "critical", NOBODY, "kept", "public halves of the seeds; each deploy publishes them again"),
    Table("plans", "critical", NOBODY, "kept", "what limits a team may have; the same for everyone"),
    Table("plan_limits", "critical", NOBODY, "kept", "the figures of each plan, and from when to when they hold"),
    Table("plan_prices", "critical", NOBODY, "kept", "what each plan costs, and from when to when"),
    Table("platform", "critical", NOBODY, "kept", "one row: the plan of new teams; each deploy writes it again"),
    Table("team_plans", "critical", TEAM, _WITH_ITS_TEAM, "the history of a team's plan"),
    Table("team_overrides", "critical", TEAM, _WITH_ITS_TEAM, "figures of one team's own, in place of its plan's"),
    Table("quota_usage", "critical", TEAM, "13 months; standing ones with the team", "what of a quota is used and reserved"),
    Table("quota_reservations", "critical", TEAM, "two days after they were settled", "what work at this moment may still use"),
    Table("teams", "critical", TEAM, "until deleted", "the tenant: everything below belongs to one"),
    Table("team_members", "critical", TEAM, _WITH_ITS_TEAM, "who belongs to a team, in which role"),
    Table("workspace_members", "critical", TEAM, _WITH_ITS_TEAM, "guests: who belongs to one workspace, in which role"),
    Table("invitations", "critical", TEAM, "a month after they expire", "who may join a team or a workspace, by a token's hash"),
    Table("api_keys", "critical", TEAM, _WITH_ITS_TEAM, "hashes of API keys; a revoked one stays for the record"),
    Table("plan_rates", "critical", NOBODY, "kept", "how many requests a minute each plan allows"),
    Table("rate_buckets", "ephemeral", NOBODY, "a day", "what the rate limits have left; unlogged, full again after a crash"),
    Table("idempotency_keys", "critical", PERSON, "24 hours", "answers for requests that are sent again; each user's own"),
    Table("workspaces", "critical", TEAM, _WITH_ITS_TEAM, "what groups a team's projects"),
    Table("projects", "critical", TEAM, "until deleted", "what people build"),
    Table("blobs", "critical", TEAM, _WITH_ITS_TEAM, "the files' content, each once per team"),
    Table("files", "critical", TEAM, "until deleted", "a project's tree as it is now"),
    Table("file_versions", "critical", TEAM, _WITH_ITS_PROJECT, "every save, move and delete"),
    Table("trees", "critical", TEAM, _WITH_ITS_TEAM, "whole projects at one moment: what a run ran"),
    Table("runs", "critical", TEAM, _WITH_ITS_PROJECT, "what was asked to run and what came of it"),
    Table("run_artifacts", "critical", TEAM, "until its run is deleted", "names and hashes; the bytes are ephemeral objects"),
    Table("workers", "ephemeral", NOBODY, "a day after its task began", "warm and busy workers; ECS knows them too"),
    Table("rooms", "critical", TEAM, "until what it is about is deleted", "the counter that numbers a room's events"),
    Table("room_events", "critical", TEAM, "three months, by whole partitions", "what happened, and runs' output"),
    Table("usage_events", "critical", TEAM, "25 months, by partitions", "the metering ledger: append-only, what bills stand on"),
    Table("usage_hours", "critical", TEAM, "four months, by partitions", "the ledger's sums by hour; made again by a replay"),
    Table("usage_days", "critical", TEAM, _WITH_ITS_TEAM, "the ledger's sums by day; they outlive the ledger's months"),
    Table("usage_notices", "critical", TEAM, _WITH_ITS_TEAM, "which limits a team was told about, once per period"),
    Table("socket_tickets", "ephemeral", PERSON, "one minute; swept hourly", "hashes of WebSocket tickets; one is soon got"),
    Table("connections", "ephemeral", PERSON, "at most two hours", "open WebSockets; a client connects again"),
    Table("subscriptions", "ephemeral", TEAM, "until its connection ends", "who listens where; a client subscribes again"),
    Table("audit_heads", "critical", TEAM, _WITH_ITS_TEAM, "the end of each team's chain of audit events"),
    Table("audit_events", "critical", TEAM, _WITH_ITS_TEAM, "who changed what; each event's hash covers the one before"),
    Table("account_events", "critical", PERSON, "a year", "logins, passwords, sessions: each person's own"),
    Table("outbox", "critical", NOBODY, "until the queue has it", "messages committed with what they announce and not sent yet"),
    Table("schema_migrations", "critical", NOBODY, "kept", "which migrations were applied, with their checksums"),
)  # fmt: skip
