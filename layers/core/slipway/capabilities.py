"""What a function may touch, named. `uses=(DATABASE, RUNS_QUEUE)` in a declaration is a list of these.

`stacks/capabilities.py` maps each to a grant and environment on AWS, `slipway.aws` to a client there, and
`stacks/local/capabilities.py` to its one-machine implementation; both maps are total, and one behaviour suite
runs over both. `use` refuses a capability that the running function did not declare, so a forgotten
declaration fails on the laptop exactly as IAM would fail it on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, cast

from slipway import catalogue

if TYPE_CHECKING:
    from slipway.mail import Letter

# ── What a capability gives ──────────────────────────────────────────────────────────────────────────────────────


class QueueClient(Protocol):
    """Sends to one queue. At-least-once and unordered, as SQS standard queues are."""

    def send(self, bodies: Sequence[str], delay_seconds: int = 0) -> None:
        """Send UTF-8 bodies of at most 1 MiB each; raises when any was not accepted."""


class ObjectStore(Protocol):
    """One key prefix of a bucket. Keys are relative to the prefix."""

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None: ...

    def get(self, key: str) -> bytes | None:
        """The content, or None when there is no such object (it may have expired)."""

    def exists(self, key: str) -> bool: ...

    def url_to_get(self, key: str, seconds: int, filename: str | None = None) -> str:
        """A signed URL that anyone may GET for `seconds`."""

    def url_to_put(self, key: str, seconds: int, size: int) -> str:
        """A signed URL that accepts one PUT body of exactly `size` bytes for `seconds`."""


class Connections(Protocol):
    """The `@connections` API of the WebSocket API."""

    def post(self, connection_id: str, data: bytes) -> bool:
        """Deliver one text message (at most 128 KB); False when the connection is gone (410)."""

    def close(self, connection_id: str) -> None: ...


class TaskRunner(Protocol):
    """Starts single-use tasks (ECS RunTask; on one machine the worker supervisor)."""

    def start(self, task: str, count: int) -> None: ...


class WorkerNetwork(Protocol):
    """Reaches a worker's private address."""

    def push(self, address: str, path: str, body: dict[str, Any]) -> int:
        """POST JSON to `http://{address}{path}`; the status code, or 0 when nobody answers."""


class SigningKeys(Protocol):
    """The private side of the platform's token signatures."""

    def seeds(self) -> Sequence[str]:
        """Hex seeds, 32 bytes each; the first signs, the others are still accepted."""


class OidcProviders(Protocol):
    """The identity providers, and the network to reach them."""

    def configured(self) -> str:
        """What SLIPWAY_OIDC says, secrets included; slipway.oidc.providers reads it."""


class Mail(Protocol):
    """Sends letters to people."""

    def send(self, message: Letter) -> None:
        """Hand it over for delivery; raises `mail.Refused` (never), `mail.Deferred` (not now), or what went wrong."""


class DatabaseAddress(Protocol):
    @property
    def prepares(self) -> bool:
        """Whether a connection stays with one server process, so that statements may be prepared on it."""

    def conninfo(self) -> str:
        """A libpq connection string for the application role; may carry a short-lived token, so ask every time."""


T_co = TypeVar("T_co", covariant=True)
Kind = Literal[
    "database",
    "migrations",
    "queue",
    "objects",
    "connections",
    "tasks",
    "worker_network",
    "signing_keys",
    "mail",
    "oidc_providers",
]


@dataclass(frozen=True, slots=True)
class Capability(Generic[T_co]):
    """`resource` is the queue, the prefix or the task it is about; `access` tells reading from writing."""

    name: str
    kind: Kind
    resource: str = ""
    access: str = ""


DATABASE: Capability[DatabaseAddress] = Capability("database", "database")
MIGRATIONS: Capability[DatabaseAddress] = Capability("migrations", "migrations")
RUNS_QUEUE: Capability[QueueClient] = Capability("runs_queue", "queue", catalogue.RUNS.name, "send")
BROADCAST_QUEUE: Capability[QueueClient] = Capability("broadcast_queue", "queue", catalogue.BROADCAST.name, "send")
GONE_QUEUE: Capability[QueueClient] = Capability("gone_queue", "queue", catalogue.GONE.name, "send")
WORKERS_QUEUE: Capability[QueueClient] = Capability("workers_queue", "queue", catalogue.WORKERS.name, "send")
MAIL_QUEUE: Capability[QueueClient] = Capability("mail_queue", "queue", catalogue.MAIL.name, "send")
INQUIRIES_QUEUE: Capability[QueueClient] = Capability("inquiries_queue", "queue", catalogue.INQUIRIES.name, "send")
BUNDLES_WRITE: Capability[ObjectStore] = Capability("bundles_write", "objects", catalogue.BUNDLES.name, "write")
ARTIFACTS_READ: Capability[ObjectStore] = Capability("artifacts_read", "objects", catalogue.ARTIFACTS.name, "read")
ARTIFACTS_WRITE: Capability[ObjectStore] = Capability("artifacts_write", "objects", catalogue.ARTIFACTS.name, "write")
CONNECTIONS: Capability[Connections] = Capability("connections", "connections")
RUN_TASKS: Capability[TaskRunner] = Capability("run_tasks", "tasks", "run", "start")
WORKER_NETWORK: Capability[WorkerNetwork] = Capability("worker_network", "worker_network")
SIGNING_KEYS: Capability[SigningKeys] = Capability("signing_keys", "signing_keys")
OIDC_PROVIDERS: Capability[OidcProviders] = Capability("oidc_providers", "oidc_providers")
MAIL: Capability[Mail] = Capability("mail", "mail")

ALL: tuple[Capability[Any], ...] = (
    DATABASE, MIGRATIONS, RUNS_QUEUE, BROADCAST_QUEUE, GONE_QUEUE, WORKERS_QUEUE, BUNDLES_WRITE,
    ARTIFACTS_READ, ARTIFACTS_WRITE, CONNECTIONS, RUN_TASKS, WORKER_NETWORK, SIGNING_KEYS, MAIL_QUEUE, INQUIRIES_QUEUE, MAIL,
    OIDC_PROVIDERS,
)  # fmt: skip
QUEUE_CAPABILITIES = {c.resource: c for c in ALL if c.kind == "queue"}


# ── Handing them out ─────────────────────────────────────────────────────────────────────────────────────────────


class UndeclaredUse(RuntimeError):
    """A function asked for a capability that its declaration does not name."""


Provider = Callable[[Capability[Any]], Any]

_provider: Provider | None = None
_granted: ContextVar[tuple[str, frozenset[Capability[Any]]] | None] = ContextVar("granted", default=None)
_observers: list[Callable[[str, Capability[Any]], None]] = []


def provide(provider: Provider | None) -> None:
    """Choose who implements the capabilities in this process; None means AWS."""
    global _provider
    _provider = provider


@contextmanager
def granting(function: str, uses: Iterable[Capability[Any]]) -> Iterator[None]:
    """Within, `use` hands out what `function` declared and nothing else."""
    token = _granted.set((function, frozenset(uses)))
    try:
        yield
    finally:
        _granted.reset(token)


def use(capability: Capability[T_co]) -> T_co:
    """The client for a capability that the running function declared.

    Raises UndeclaredUse otherwise, also outside of any function: nothing reaches the world undeclared.
    """
    granted = _granted.get()
    function, uses = granted if granted else ("no function", frozenset())
    if capability not in uses:
        raise UndeclaredUse(f"{function} used {capability.name} without declaring it: add it to uses=(…) in its file")
    for observer in _observers:
        observer(function, capability)
    if _provider is None:
        from slipway import aws

        return cast(T_co, aws.provider(capability))
    return cast(T_co, _provider(capability))


def observe(observer: Callable[[str, Capability[Any]], None]) -> None:
    """Tests learn which declared capabilities are exercised."""
    _observers.append(observer)
