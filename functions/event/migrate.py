"""Bring the schema up to date and publish the keys that verify tokens."""

from __future__ import annotations

from slipway import migrate as schema
from slipway.capabilities import MIGRATIONS, SIGNING_KEYS
from slipway.event import event


@event("slipway.deploy", "Migrate", uses=(MIGRATIONS, SIGNING_KEYS), timeout=900)
def migrate(deploy: schema.Deploy) -> None:
    schema.run(deploy)
