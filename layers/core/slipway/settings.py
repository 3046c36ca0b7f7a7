"""Every setting, read from the environment here and nowhere else. docs/settings.md is generated from this file.

Nothing is read at import: the first use reads, `reset` forgets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: str | None
    what: str


SETTINGS = (
    Setting("SLIPWAY_STAGE", "local", "Which environment this is: local, dev, staging or prod; written into every log line."),
    Setting("SLIPWAY_FUNCTION", "", "The function's name, for logs and metrics; set by the stacks."),
    Setting("SLIPWAY_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("SLIPWAY_DATABASE_URL", None, "libpq connection string of the application role."),
    Setting("SLIPWAY_MIGRATIONS_URL", None, "libpq connection string of the schema's owner; migrations only."),
    Setting("SLIPWAY_DATABASE_IAM", "", "Set to 1 to put an RDS IAM token in the connection string's password (AWS)."),
    Setting("SLIPWAY_SIGNING_SEEDS", None, "Comma-separated 32-byte hex seeds of the token-signing keys; the first signs."),
    Setting("SLIPWAY_PUBLIC_URL", "http://127.0.0.1:8000", "Where clients and workers reach the HTTP API."),
    Setting("SLIPWAY_SOCKET_URL", "ws://127.0.0.1:8001", "Where clients reach the WebSocket API."),
    Setting(
        "SLIPWAY_REGISTRATION",
        "",
        "`open`: registering logs in at once, and tells who asks that an address is taken; `confirmed`: by a letter, and tells "
        "nobody. By default open on one machine and confirmed on AWS.",
    ),
    Setting("SLIPWAY_WEB_URL", "", "Where the web app lives, the base of links in letters; by default the public URL."),
    Setting(
        "SLIPWAY_OIDC",
        "",
        'Providers to log in with: `[{"id": "google", "name": "Google", "issuer": "https://accounts.google.com", '
        '"client_id": "…", "client_secret": "…"}]`. On AWS it comes from the secret that cdk.json names as `oidc_secret`.',
    ),
    Setting("SLIPWAY_MAIL_FROM", "", "Who sends letters: `Slipway <no-reply@example.com>`, or the address alone."),
    Setting("SLIPWAY_SMTP_URL", "", "One machine's mail server, smtp://user:password@host:587 or smtps://…; without it, files."),
    Setting("SLIPWAY_CONNECTIONS_URL", "", "Endpoint of the @connections API."),
    Setting("SLIPWAY_BUCKET_EPHEMERAL", "", "Bucket of the ephemeral prefixes."),
    Setting("SLIPWAY_QUEUE_RUNS", "", "URL of the queue `runs`."),
    Setting("SLIPWAY_QUEUE_BROADCAST", "", "URL of the queue `broadcast`."),
    Setting("SLIPWAY_QUEUE_GONE", "", "URL of the queue `gone`."),
    Setting("SLIPWAY_QUEUE_WORKERS", "", "URL of the queue `workers`."),
    Setting("SLIPWAY_QUEUE_MAIL", "", "URL of the queue `mail`."),
    Setting("SLIPWAY_QUEUE_INQUIRIES", "", "URL of the queue `inquiries`."),
    Setting("SLIPWAY_PLANS", "unlimited", "What new teams get: unlimited, or tiered (they begin on Free). Written by a deploy."),
    Setting("SLIPWAY_CLUSTER", "", "ECS cluster of the workers (AWS)."),
    Setting("SLIPWAY_TASK_RUN", "", "Task definition family of the run workers (AWS)."),
    Setting("SLIPWAY_TASK_SUBNETS", "", "Comma-separated subnets of the workers (AWS)."),
    Setting("SLIPWAY_TASK_SECURITY_GROUP", "", "Security group of the workers (AWS)."),
)  # fmt: skip
_BY_NAME = {s.name: s for s in SETTINGS}


class MissingSetting(RuntimeError):
    """A setting without a default is not set."""


@cache
def get(name: str) -> str:
    """The setting's value; raises MissingSetting with the remedy, KeyError for a name that is not in SETTINGS."""
    setting = _BY_NAME[name]
    value = os.environ.get(name, setting.default)
    if value is None:
        raise MissingSetting(f"{name} is not set. {setting.what}")
    return value


def reset() -> None:
    """Forget what was read (tests, and the local runtime after it has chosen its addresses)."""
    get.cache_clear()


def apply(values: dict[str, str]) -> None:
    """Set settings for this process and the ones it starts; the local runtime does this once at start-up."""
    for name, value in values.items():
        _BY_NAME[name]
        os.environ[name] = value
    reset()
