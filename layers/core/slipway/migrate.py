"""The schema's migrations: plain SQL in dbmate's format, forward only, each applied once and whole.

File names are `0007_pre_add_preview_slug.sql`: `pre` runs before the code of a deploy, `post` after it is everywhere.
The first line is `-- migrate:up lock_timeout=5s`, stated because a migration that waits for a lock blocks everyone.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal, NamedTuple

import psycopg
from pydantic import BaseModel

from slipway import access_tokens, log, plans, roles
from slipway.capabilities import MIGRATIONS, use

FOLDER = Path(__file__).parent / "schema" / "migrations"
NAME = re.compile(r"(\d{4})_(pre|post)_[a-z0-9_]+\.sql")
HEADER = re.compile(r"-- migrate:up lock_timeout=(\d+(?:ms|s))\n")
LOCK = 7_203_514  # any number that nobody else uses for an advisory lock


class Deploy(BaseModel):
    """The detail of the deploy's event: which half of the migrations to apply; both on one machine, which stands still."""

    phase: Literal["pre", "post"] | None = None


class Migration(NamedTuple):
    version: str
    phase: str
    lock_timeout: str
    text: str
    checksum: str


class Changed(RuntimeError):
    """An applied migration's file was edited: put it back and write a new one."""


class Newer(RuntimeError):
    """The database was migrated by a newer Slipway."""


def load(folder: Path = FOLDER) -> list[Migration]:
    """Every migration in order; raises ValueError for a file that does not state what it must."""
    found: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        name, text = NAME.fullmatch(file.name), file.read_text()
        header = HEADER.match(text)
        if not name or not header:
            raise ValueError(
                f"{file.name}: name it NNNN_pre|post_words.sql and begin with '-- migrate:up lock_timeout=5s'"
            )
        if found and found[-1].version == name[1]:
            raise ValueError(f"{file.name}: there is already a migration {name[1]}, give it the next number")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(name[1], name[2], header[1], text, checksum))
    return found


def migrate(conninfo: str, phase: str | None = None) -> list[str]:
    """Apply what is missing (of one phase, or all), as the schema's owner; the versions that were applied.

    Two at once wait for each other; applied twice is harmless. Raises Changed or Newer.
    """
    migrations = load()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (LOCK,))
        connection.execute(
            "create table if not exists schema_migrations (version text primary key, checksum text not null, "
            "applied_at timestamptz not null default now())"
        )
        applied: dict[str, str] = dict(connection.execute("select version, checksum from schema_migrations").fetchall())
        _check(migrations, applied)
        missing = [m for m in migrations if m.version not in applied and phase in (None, m.phase)]
        for migration in missing:
            _apply(connection, migration)
        return [m.version for m in missing]


def run(deploy: Deploy) -> None:
    """A deploy's step."""
    conninfo = use(MIGRATIONS).conninfo()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        roles.ensure(connection)
    versions = migrate(conninfo, deploy.phase)
    publish_keys(conninfo)
    publish_plans(conninfo)
    log.info("migrated", phase=deploy.phase, versions=versions)


def publish_keys(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        access_tokens.publish(connection)


def publish_plans(conninfo: str) -> None:
    """What new teams get; raises plans.BadSetting."""
    with psycopg.connect(conninfo) as connection:
        plans.publish(connection)


def _check(migrations: list[Migration], applied: dict[str, str]) -> None:
    known = {m.version: m.checksum for m in migrations}
    for version, checksum in applied.items():
        if version not in known:
            raise Newer(
                f"the database has migration {version}, this Slipway ends at {max(known)}: use the newer Slipway"
            )
        if known[version] != checksum:
            raise Changed(f"migration {version} was edited after it was applied: restore it and add a new one")


def _apply(connection: psycopg.Connection[tuple[str, str]], migration: Migration) -> None:
    with connection.transaction():
        # A month begins at midnight UTC on a server of any time zone: partitions that overlap could not be made.
        connection.execute(f"set local lock_timeout = '{migration.lock_timeout}'; set local timezone = 'UTC'".encode())
        connection.execute(migration.text.encode())
        connection.execute(
            "insert into schema_migrations (version, checksum) values (%s, %s)", (migration.version, migration.checksum)
        )
