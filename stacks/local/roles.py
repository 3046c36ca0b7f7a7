"""The roles with passwords, and the database, on the embedded server or on any other (slipway.roles says what each is)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from slipway.roles import APP, OWNER, READER, ensure

if TYPE_CHECKING:
    import psycopg

LOCK = 7_214_953_001  # advisory: two start-ups on one server take turns
# The first minor releases without CVE-2025-8713 and its kin, which leak rows past row-level security.
MINIMUM = {16: 160010, 17: 170006}


class ServerTooOld(RuntimeError):
    """The server is older than what tenant isolation needs."""


def bootstrap(superuser_url: str, *, database: str = "slipway", secret: str | None = None) -> tuple[str, str]:
    """Make roles and database where they are missing; returns the connection strings (owner, app) for `database`.

    Idempotent. `superuser_url` needs a role that may create roles and databases. The two passwords follow from `secret`
    (random, kept by the caller; by default the superuser's own password), so that a second call, also for another
    database of the same server, changes nothing. Raises ServerTooOld, ValueError without any secret, psycopg.Error.
    """
    import psycopg

    with psycopg.connect(superuser_url, autocommit=True) as connection:
        refuse_old(connection.info.server_version)
        key = secret or connection.info.password
        if not key:
            raise ValueError("the superuser has no password to derive others from: pass secret=")
        passwords = {role: derive(key, role) for role in (OWNER, APP)}
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        ensure(connection)
        set_passwords(connection, passwords)
        make_database(connection, database)
    return address(superuser_url, database, OWNER, passwords[OWNER]), address(
        superuser_url, database, APP, passwords[APP]
    )


def derive(secret: str, role: str) -> str:
    return hmac.new(secret.encode(), f"password of {role}".encode(), hashlib.sha256).hexdigest()


def refuse_old(version: int) -> None:
    if version < MINIMUM.get(version // 10000, 160000):
        needed = MINIMUM.get(version // 10000, MINIMUM[16])
        raise ServerTooOld(
            f"PostgreSQL {version // 10000}.{version % 10000} is too old: "
            f"{needed // 10000}.{needed % 10000} or newer is needed for row-level security to hold"
        )


def set_passwords(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    from psycopg import sql

    for role, password in passwords.items():
        # The verifier, not the password: statements may be logged.
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        alter = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        connection.execute(alter)


def make_database(connection: psycopg.Connection[Any], database: str) -> None:
    from psycopg import sql

    name, owner = sql.Identifier(database), sql.Identifier(OWNER)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        statement = sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0")
        connection.execute(statement.format(name, owner))
    connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'UTC'").format(name))  # every answer's times end in Z
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in (APP, READER):
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(role)))


def address(superuser_url: str, database: str, user: str, password: str) -> str:
    """The same server for another user; everything else of the connection string stays (host, sslmode, …)."""
    from urllib.parse import quote, urlencode

    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(superuser_url)
    options = {k: str(v) for k, v in parts.items() if v is not None and k not in ("user", "password", "dbname")}
    return f"postgresql://{quote(user)}:{quote(password)}@/{quote(database, safe='')}?{urlencode(options)}"
