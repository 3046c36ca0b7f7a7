"""What the service says about itself."""

from __future__ import annotations

from pydantic import BaseModel

from slipway import settings
from slipway.db import Transaction, sql

VERSION = "0.1.0"
ALIVE = sql("select 1 as alive")


class Health(BaseModel):
    status: str
    stage: str


class Version(BaseModel):
    name: str = "slipway"
    version: str = VERSION


def check(tx: Transaction) -> Health:
    """Answers only when the database does."""
    tx.one(ALIVE)
    return Health(status="ok", stage=settings.get("SLIPWAY_STAGE"))


def version() -> Version:
    return Version()
