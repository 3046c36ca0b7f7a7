"""What holds for every capability: both sides have it, and only who declared it gets it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_args

import pytest
from slipway import aws, capabilities
from slipway.capabilities import ALL, RUNS_QUEUE, SIGNING_KEYS, Kind, UndeclaredUse, granting, use

from stacks.local import capabilities as local

METHODS = {
    "database": ("conninfo",),
    "migrations": ("conninfo",),
    "queue": ("send",),
    "objects": ("put", "get", "exists", "url_to_get", "url_to_put"),
    "connections": ("post", "close"),
    "tasks": ("start",),
    "worker_network": ("push",),
    "signing_keys": ("seeds",),
    "mail": ("send",),
    "oidc_providers": ("configured",),
}


def test_both_maps_know_every_kind() -> None:
    assert set(aws.MAKERS) == set(local.MAKERS) == set(get_args(Kind)) == set(METHODS)


def test_nothing_of_aws_is_imported_before_a_client_is_needed() -> None:
    """boto3 with a first client costs a third of a second of every cold start."""
    code = "import sys, slipway.aws; sys.exit(any(m.split('.')[0] in ('boto3', 'botocore') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("capability", ALL, ids=lambda c: c.name)
def test_every_capability_gives_a_client_with_its_methods(side: Any, capability: Any) -> None:
    client = side.provide(capability)
    assert all(callable(getattr(client, method)) for method in METHODS[capability.kind])


def test_a_declared_capability_is_handed_out_and_an_undeclared_one_is_refused(side: Any) -> None:
    capabilities.provide(side.provide)
    try:
        with granting("runs_create", (RUNS_QUEUE,)):
            use(RUNS_QUEUE).send(["declared"])
            with pytest.raises(UndeclaredUse, match="runs_create used signing_keys without declaring it"):
                use(SIGNING_KEYS)
        with pytest.raises(UndeclaredUse, match="no function"):
            use(RUNS_QUEUE)
    finally:
        capabilities.provide(None)
    assert side.received("runs") == ["declared"]
