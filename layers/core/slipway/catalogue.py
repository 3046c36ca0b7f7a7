"""Every place that keeps data: its class, how long it is kept, how it is backed up.

Three classes (docs/data.md is generated from here, a test fails on anything that is not listed):

critical        rows in Postgres; migrated, indexed, backed up; an acknowledged write has been committed
semi-critical   append-only, loss-tolerant
ephemeral       can be made again: object storage with a TTL, queues, or rows whose loss breaks nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DataClass = Literal["critical", "semi-critical", "ephemeral"]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    data_class: DataClass
    tenant: bool  # carries team_id and is under forced row-level security by it
    retention: str
    why: str


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
QUEUES = (RUNS, BROADCAST, GONE, WORKERS)

BUNDLES = Prefix(
    "bundles", "ephemeral", 1, "source trees on their way to a worker, by tree hash; packed again from the blobs"
)
ARTIFACTS = Prefix("artifacts", "ephemeral", 7, "files that a run left behind; running again makes them again")
PREFIXES = (BUNDLES, ARTIFACTS)
