"""The registry of statements as tests look at it: all of them, by the name of their constant."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import psycopg
import slipway
from psycopg.rows import tuple_row
from slipway import db, discover, wire
from slipway.db import Statement

ANY_VALUE: dict[str, Any] = {
    "text": "x", "uuid": UUID(int=7), "bytea": b"x" * 32, "integer": 1, "bigint": 1, "smallint": 1, "boolean": True,
    "double precision": 1.0, "numeric": 1, "jsonb": "{}", "timestamp with time zone": datetime.now(UTC), "date": "2026-01-01",
    "interval": "1 day", "text[]": ["x"], "uuid[]": [UUID(int=7)], "bytea[]": [b"x" * 32], "bigint[]": [1], "integer[]": [1],
    "timestamp with time zone[]": [datetime.now(UTC)],
}  # fmt: skip


def registered() -> list[Statement]:
    """All statements of the core, once every module has been imported."""
    for module in pkgutil.walk_packages(slipway.__path__, "slipway."):
        importlib.import_module(module.name)
    discover.functions()
    return [statement for statement in db.REGISTRY if statement.place.startswith("slipway.")]


def named() -> Iterator[tuple[str, Statement]]:
    """`projects.GET` and its statement; raises for one that is no constant of its module (or in a tuple of one)."""
    for statement in registered():
        module = statement.place.split(":")[0]
        yield f"{module.removeprefix('slipway.')}.{_constant(module, statement)}", statement


def _constant(module: str, statement: Statement) -> str:
    for name, value in vars(importlib.import_module(module)).items():
        if value is statement:
            return name
        if isinstance(value, tuple) and any(part is statement for part in value):
            return f"{name}_{value.index(statement)}"
    raise AssertionError(f"{statement.place}: give the statement a constant of its module")


def by_type(connection: psycopg.Connection, statement: str) -> dict[str, Any]:
    """Any value for each parameter, of the type that the server takes it for."""
    text, names = wire.numbered(statement)
    with connection.transaction(force_rollback=True):
        connection.execute(b"prepare asked as " + text)
        query = "select unnest(parameter_types)::text from pg_prepared_statements where name = 'asked'"
        types = [*chain.from_iterable(connection.cursor(row_factory=tuple_row).execute(query).fetchall())]
        connection.execute("deallocate asked")
    return {name: ANY_VALUE[type] for name, type in zip(names, types, strict=True)}
