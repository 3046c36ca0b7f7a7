"""One database that many tests share, one after the other: emptied in milliseconds where a new one takes a quarter of
a second. A test that changed the schema gets the next one a new database."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from stacks.local import postgres
from tests.conftest import TEMPLATE

# Tables that a migrated database has rows in.
KEPT = ("plans", "plan_limits", "plan_prices", "plan_rates", "platform", "signing_keys", "schema_migrations")
TABLES = """select c.oid::regclass::text from pg_class c
             where c.relkind in ('r', 'p') and not c.relispartition
               and c.relnamespace in ('public'::regnamespace, 'local'::regnamespace)"""
# Changes with every change of the schema; counting rows and analysing them leaves it as it is.
SCHEMA = """select md5(string_agg(o::text, ',' order by o::text)) from (
              select (oid, xmin, relname) as o from pg_class
               where relnamespace in ('public'::regnamespace, 'local'::regnamespace) and relkind in ('r', 'p', 'i', 'I')
              union all select (oid, xmin, proname) from pg_proc where pronamespace = 'app'::regnamespace
              union all select (oid, xmin, conname) from pg_constraint) as catalogue"""


@dataclass
class Database:
    server: postgres.Server
    name: str = ""
    schema: str = ""
    tables: list[str] = field(default_factory=list)
    rows: dict[str, Any] = field(default_factory=dict)

    def ready(self) -> str:
        """The name of an empty migrated database."""
        if not self._emptied():
            self.drop()
            self._make()
        return self.name

    def drop(self) -> None:
        if self.name:
            with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
                connection.execute(f"drop database {self.name} with (force)")

    def _make(self) -> None:
        self.name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            connection.execute(f"create database {self.name} template {TEMPLATE} owner slipway_owner")
        with psycopg.connect(self.server.superuser_url, dbname=self.name, autocommit=True) as connection:
            self.schema = _one(connection, SCHEMA)
            self.tables = [table for (table,) in connection.execute(TABLES)]
            for table in KEPT:
                self.rows[table] = _one(connection, f"select coalesce(jsonb_agg(t), '[]') from {table} t")

    def _emptied(self) -> bool:
        """False when there is no database yet, or none that can be used again."""
        if not self.name:
            return False
        try:
            with psycopg.connect(self.server.superuser_url, dbname=self.name) as connection:
                if _one(connection, SCHEMA) != self.schema:
                    return False
                connection.execute("set local lock_timeout = '5s'")
                connection.execute("set local session_replication_role = replica")
                connection.execute(";".join(f"delete from {table}" for table in self.tables))
                for table, rows in self.rows.items():
                    insert = f"insert into {table} select * from jsonb_populate_recordset(null::{table}, %s)"
                    connection.execute(insert, (Jsonb(rows),))
        except psycopg.OperationalError:
            return False
        return True


def _one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
