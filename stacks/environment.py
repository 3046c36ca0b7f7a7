"""One deployed environment, as cdk.json describes it: where it is, how large, how long it keeps things."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from slipway.mail import BadAddress, read_sender

ROOT = Path(__file__).resolve().parents[1]


class BadEnvironment(ValueError):
    """cdk.json does not describe this environment, or describes it wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`lean` lets Aurora pause and has no proxy; `standard` has RDS Proxy and a second database instance.

    ACU are Aurora capacity units (about 2 GB each). `keep` protects the database and the secrets from deletion.
    `api: single` serves all routes with one function in place of one for each: one deploy and fewer connections, but one
    role with what all routes need. The routes keep their ids, so it may be changed later.
    `mail_from` (`Slipway <no-reply@example.com>`) makes an SES identity for its domain, whose DNS records are outputs of the
    mail stack; `mail_identity` names one that the account has already. Without it no e-mail is sent.
    A domain needs `certificate`, the ARN of an ACM certificate for it in this region; its DNS record is the operator's.
    """

    name: str
    region: str
    profile: Literal["lean", "standard"]
    log_days: int
    backup_days: int
    min_acu: float
    max_acu: float
    warm_workers: int
    max_workers: int
    cors_origins: tuple[str, ...]
    api: Literal["routes", "single"] = "routes"
    plans: Literal["unlimited", "tiered"] = "unlimited"  # what new teams get; tiered begins on Free
    registration: Literal["open", "confirmed"] = "confirmed"  # whether a letter must be opened first
    account: str = ""
    keep: bool = False
    alarm_email: str = ""
    domain: str = ""
    socket_domain: str = ""
    certificate: str = ""
    web_url: str = ""  # where the web app lives, when that is not the public URL
    mail_from: str = ""
    mail_identity: str = ""
    vpc_cidr: str = "10.20.0.0/16"
    socket_rate: int = 500  # messages per second over all connections
    oidc_secret: str = ""  # name or ARN of a secret of the operator's with the value of SLIPWAY_OIDC, 3 KB at most
    oidc_label: str = "AWSCURRENT"  # which version of it; a new label is how a change is deployed
    signing_label: str = "AWSCURRENT"  # which version of the signing seeds; a new label is how a rotation is deployed

    @property
    def prefix(self) -> str:
        """Begins every physical name: `slipway-prod`."""
        return f"slipway-{self.name}"

    @property
    def mail_domain(self) -> str:
        return read_sender(self.mail_from).domain if self.mail_from else ""

    @property
    def new_identity(self) -> str:
        """The SES identity to make, or none."""
        return "" if self.mail_identity else self.mail_domain

    @property
    def standard(self) -> bool:
        return self.profile == "standard"


def read(name: str, described: dict[str, dict[str, Any]]) -> Environment:
    """The environment of that name; raises BadEnvironment with the remedy."""
    if name not in described:
        raise BadEnvironment(f"cdk.json has no environment {name!r}: choose one of {', '.join(sorted(described))}")
    values = described[name]
    unknown = set(values) - {field.name for field in fields(Environment)}
    if unknown:
        raise BadEnvironment(f"cdk.json, {name}: unknown {', '.join(sorted(unknown))}; see stacks/environment.py")
    try:
        environment = Environment(name=name, **{**values, "cors_origins": tuple(values.get("cors_origins", ()))})
    except TypeError as error:
        raise BadEnvironment(f"cdk.json, {name}: {error}") from None
    if environment.profile not in ("lean", "standard"):
        raise BadEnvironment(f"cdk.json, {name}: profile {environment.profile!r} is neither lean nor standard")
    if environment.api not in ("routes", "single"):
        raise BadEnvironment(f"cdk.json, {name}: api {environment.api!r} is neither routes nor single")
    if environment.plans not in ("unlimited", "tiered"):
        raise BadEnvironment(f"cdk.json, {name}: plans {environment.plans!r} is neither unlimited nor tiered")
    if environment.registration not in ("open", "confirmed"):
        raise BadEnvironment(
            f"cdk.json, {name}: registration {environment.registration!r} is neither open nor confirmed"
        )
    if (environment.domain or environment.socket_domain) and not environment.certificate:
        raise BadEnvironment(f"cdk.json, {name}: a domain needs `certificate`, the ARN of its ACM certificate")
    _check_sender(environment)
    return environment


def _check_sender(environment: Environment) -> None:
    try:
        _ = environment.mail_domain
    except BadAddress as error:
        raise BadEnvironment(f"cdk.json, {environment.name}: mail_from is {error}") from None
    if environment.registration == "confirmed" and not environment.mail_from:
        raise BadEnvironment(
            f"cdk.json, {environment.name}: nobody could register, since confirmed registration needs letters and nothing "
            'sends them: set mail_from, or "registration": "open"'
        )


def context() -> dict[str, Any]:
    """cdk.json's context: the CDK command line hands it over, a plain `python app.py` reads it here."""
    read_context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return read_context
