"""This thread's connection to Postgres: made when it is first needed, made anew when the old one is dead.

On Lambda a thread is an execution environment. On AWS the connection may be idle for minutes, so the server ends it first
(idle_session_timeout).
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from slipway import rate_limits
from slipway.capabilities import DATABASE, use
from slipway.errors import Error

if TYPE_CHECKING:
    import psycopg

    from slipway.wire import Row, Wire

_thread = threading.local()


def begin(statements: str) -> tuple[Wire, Row | None]:
    """BEGIN and the caller's identity in one round trip, on a connection that is made anew if the old one is dead.

    Only this statement is ever repeated: nothing has been done before it.
    """
    import psycopg

    for attempt in (1, 2):
        connection = current()
        if connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            raise RuntimeError("a transaction is already open in this thread: pass tx on instead of opening another")
        try:
            rows = connection.command(f"begin; {statements}").rows
            return connection, rows[0] if rows else None
        except psycopg.OperationalError as error:
            _discard(connection)
            if attempt == 2:
                raise Error("unavailable", cause=str(error), headers={"retry-after": "1"}) from error
        except psycopg.DatabaseError as error:
            roll_back(connection)
            raise _refused(error) from None
        except BaseException:
            _discard(connection)  # it is inside a failed transaction
            raise
    raise AssertionError("unreachable")


def _refused(error: psycopg.DatabaseError) -> Exception:
    """What the schema's functions raise with codes of our own."""
    if error.sqlstate == "SL401":
        return Error("unauthenticated", error.diag.message_primary or "", headers={"www-authenticate": "Bearer"})
    if error.sqlstate == "SL429":
        return rate_limits.refusal(rate_limits.read([json.loads(error.diag.message_detail or "{}")])[0])
    return without_values(error)


def current() -> Wire:
    address = use(DATABASE)
    kept: Wire | None = getattr(_thread, "connection", None)
    if kept is not None and not kept.closed:
        return kept
    import psycopg

    from slipway.wire import Wire

    try:
        made = Wire.open(address.conninfo(), address.prepares)
    except psycopg.OperationalError as error:
        raise Error("unavailable", cause=str(error), headers={"retry-after": "1"}) from error
    _thread.connection = made
    return made


def roll_back(connection: Wire) -> None:
    import psycopg

    try:
        connection.command("rollback")
    except psycopg.Error:
        _discard(connection)


def without_values(error: psycopg.Error) -> psycopg.Error:
    """DETAIL and CONTEXT quote rows, and with them people's data: they would end up in the log with the traceback."""
    if error.diag.message_primary:
        error.args = (error.diag.message_primary,)
    return error


def _discard(connection: Wire) -> None:
    connection.close()
    _thread.connection = None


def close() -> None:
    """Close this thread's connection."""
    kept = getattr(_thread, "connection", None)
    if kept is not None:
        _discard(kept)
