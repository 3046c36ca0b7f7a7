"""Connections to the machine's Postgres for its own tables (queues, schedules, task requests), one pool per process."""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

_GOING_AWAY = {"57P01", "57P02", "57P03"}  # the server is shutting down, has crashed or is starting


@cache
def _pool(conninfo: str, durable: bool) -> ConnectionPool[Connection]:
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # the caller is told; one report of an outage is enough
    options = {} if durable else {"options": "-c synchronous_commit=off"}
    pool: ConnectionPool[Connection] = ConnectionPool(
        conninfo,
        kwargs={"autocommit": True, "connect_timeout": 2, "application_name": "slipway-local", **options},
        min_size=0,
        max_size=8,
        timeout=2.0,
        reconnect_timeout=1.0,
        num_workers=1,
        open=True,
    )
    atexit.register(pool.close)
    return pool


def lost(error: psycopg.Error) -> bool:
    """Whether the server went away, as opposed to a statement that it refused."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate in _GOING_AWAY)


def run(conninfo: str, work: Callable[[Connection], T], *, durable: bool = True, patience: float = 0.0) -> T:
    """`work` on an autocommitting connection, again for up to `patience` seconds while the server is away.

    So `work` may happen twice. `durable=False` does not wait for the disk: for receiving and deleting, which a crash
    may take back, since a queue delivers at least once.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with _pool(conninfo, durable).connection() as connection:
                return work(connection)
        except psycopg.OperationalError as error:
            if not lost(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def close(conninfo: str) -> None:
    """Give the connections back (before the server is stopped); the next `run` opens new ones."""
    for durable in (True, False):
        pool = _pool(conninfo, durable)
        pool.close()
        atexit.unregister(pool.close)
    _pool.cache_clear()
