"""The database's roles, made where they are missing: on Aurora by the deploy's migration, on one machine at start-up.

slipway_owner    owns the database and the schemas: migrations (on one machine the local queues too)
slipway_app      what functions get: no superuser, no way round row-level security, owns nothing
slipway_reader   read-only grants; nobody logs in as it until an operator gives it a password
slipway_door     owns the few functions that must see across teams; nobody logs in as it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

OWNER, APP, READER, DOOR = "slipway_owner", "slipway_app", "slipway_reader", "slipway_door"
IAM = "rds_iam"  # Aurora's own: whoever is a member logs in with an IAM token


def ensure(connection: psycopg.Connection[Any]) -> None:
    """Idempotent. The connection's role needs CREATEROLE; it becomes a member of the owner if it is another."""
    from psycopg import sql

    existing = {row[0] for row in connection.execute("select rolname from pg_roles").fetchall()}
    for role in (OWNER, APP, READER, DOOR):
        if role not in existing:
            statement = sql.SQL("create role {} nosuperuser nocreatedb nocreaterole")
            connection.execute(statement.format(sql.Identifier(role)))
    # The owner makes functions that belong to the door; the creator of a database must be a member of its owner.
    _grant(connection, DOOR, OWNER)
    if connection.info.user != OWNER and not _superuser(connection):
        _grant(connection, OWNER, connection.info.user)
    if IAM in existing:
        connection.execute(sql.SQL("alter role {} login").format(sql.Identifier(APP)))
        _grant(connection, IAM, APP)


def _grant(connection: psycopg.Connection[Any], role: str, member: str) -> None:
    from psycopg import sql

    # 'SET', not 'MEMBER': who creates a role is a member of it, but one that may only administer it.
    row = connection.execute("select pg_has_role(%s, %s, 'SET')", (member, role)).fetchone()
    if not (row and row[0]):
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(member)))


def _superuser(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    return bool(row and row[0])
