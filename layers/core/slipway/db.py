"""The only door to Postgres: a transaction that begins with who is asking, and the registry of every statement.

Raw SQL, psycopg 3, one connection per thread (on Lambda that is one per execution environment). No client-side SET, and
on AWS no prepared statements, so that RDS Proxy can share connections (docs/decisions/0002-one-connection.md).

    GET = sql("select … from projects where team_id = %(team_id)s and id = %(id)s")

    with db.transaction(caller, "prj", project_id) as (tx, caller):
        row = tx.one(GET, team_id=caller.team_id, id=project_id)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from slipway import ids, rate_limits, thread_connection
from slipway.caller import Caller
from slipway.catalogue import Queue
from slipway.errors import Error
from slipway.rate_limits import Rate

if TYPE_CHECKING:
    from pydantic import BaseModel

    from slipway.wire import Wire

Row = dict[str, Any]


class Statement(str):
    """SQL with named parameters, and where it stands (`slipway.projects:17`)."""

    __slots__ = ("place",)
    place: str


REGISTRY: list[Statement] = []


def sql(text: str) -> Statement:
    """Register a statement. A test PREPAREs every one against the migrated schema and reads its plan."""
    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    statement = Statement(inspect.cleandoc(text))
    statement.place = f"{caller.f_globals['__name__']}:{caller.f_lineno}" if caller else "?"
    REGISTRY.append(statement)
    return statement


KEEP = sql(
    "insert into outbox (id, queue, body, delay_seconds) values (%(id)s, %(queue)s, %(body)s, %(delay_seconds)s)"
)


class Message(NamedTuple):
    """One row of the outbox."""

    id: UUID
    queue: str
    body: str
    delay_seconds: int


PutOff = Callable[["Transaction", list[Any]], None]


class Transaction:
    """An open transaction. Nobody outside this module commits; messages leave after the commit."""

    def __init__(self, connection: Wire) -> None:
        self._connection = connection
        self.outbox: list[Message] = []
        self.rates: list[Rate] = []
        self._put_off: dict[PutOff, list[Any]] = {}
        self._put_off_to_the_end: dict[PutOff, list[Any]] = {}

    def one(self, statement: Statement, **parameters: Any) -> Row | None:
        """The first row, or None."""
        rows = self._connection.ask(statement, parameters).rows
        return rows[0] if rows else None

    def all(self, statement: Statement, **parameters: Any) -> list[Row]:
        return self._connection.ask(statement, parameters).rows

    def run(self, statement: Statement, **parameters: Any) -> int:
        """How many rows it touched."""
        return self._connection.ask(statement, parameters).touched

    def last(self, act: PutOff, item: Any, *, at_the_end: bool = False) -> None:
        """Call `act` right before the commit, once, with all its items: what takes a lock that a whole team waits for.

        `at_the_end`: after all else that was put off, for the lock that is always the last one taken.
        """
        put_off = self._put_off_to_the_end if at_the_end else self._put_off
        put_off.setdefault(act, []).append(item)

    def finish(self) -> None:
        """Do what was put off; the shell's business, and of whoever measures a transaction."""
        for put_off in (self._put_off, self._put_off_to_the_end):
            while put_off:
                act = next(iter(put_off))
                act(self, put_off.pop(act))

    def mark(self) -> None:
        """What is done from here on can be undone."""
        self._connection.command("savepoint mark")

    def undo(self) -> None:
        """As it was at the mark: rows, messages, and what was put off."""
        self._connection.command("rollback to savepoint mark")
        self.outbox.clear()
        self._put_off.clear()
        self._put_off_to_the_end.clear()

    def send(self, queue: Queue, message: BaseModel, delay_seconds: int = 0) -> None:
        """Put a message into the outbox: it reaches the queue if and only if this transaction commits."""
        kept = Message(ids.new(), queue.name, message.model_dump_json(), delay_seconds)
        self.run(KEEP, id=kept.id, queue=kept.queue, body=kept.body, delay_seconds=kept.delay_seconds)
        self.outbox.append(kept)


@contextmanager
def transaction(
    caller: Caller, kind: str = "", id: UUID | None = None, rate: str = ""
) -> Iterator[tuple[Transaction, Caller]]:
    """Begin as `caller`, about one resource if `kind` ("team", "ws", "prj", "file", "run", "art") and `id` are given.

    Yields the transaction and the caller with the resource's team and role; raises not_found when that resource
    does not exist or is none of the caller's, unauthenticated when the session or key has ended. With `rate`, a class of
    routes, a token is taken from the caller's buckets first, and kept whatever becomes of the transaction; raises
    too_many_requests. Commits when the block ends, rolls back when it raises.
    """
    match caller.kind:
        case "user":
            begin = _of_user(caller, kind, id, rate)
        case "run":
            begin = f"select * from app.begin_run('\\x{caller.token_hash.hex()}', '{id}')"
        case _:
            begin = "select app.begin_user(null)"
    with _begun(begin) as (tx, row):
        if caller.kind == "nobody":
            yield tx, caller
        elif caller.kind == "run":
            if row is None:
                raise Error("stale_attempt")
            yield tx, replace(caller, _team_id=row["team_id"], attempt=row["attempt"])
        else:
            yield tx, _known(tx, caller, row or {}, kind)


def _of_user(caller: Caller, kind: str, id: UUID | None, rate: str) -> str:
    key, resource = _literal(caller.key_id), _literal(id)
    session = "null" if caller.key_id else f"'{caller.session_id}'"
    who = f"'{caller.user_id}', {session}, {key}, '{kind}', {resource}"
    if not rate:
        return f"select * from app.begin_request({who})"
    return f"select app.admit({who}, '{rate}'); commit and chain; select * from app.begin_admitted()"


def _literal(id: UUID | None) -> str:
    return f"'{id}'" if id else "null"


def _known(tx: Transaction, caller: Caller, row: Row, kind: str) -> Caller:
    if kind and row["team_id"] is None:
        raise Error("not_found")
    tx.rates = rate_limits.read(row["admitted"])
    scopes = None if row["scopes"] is None else frozenset(row["scopes"])
    return replace(caller, _team_id=row["team_id"], role=row["role"] or "", scopes=scopes)


def admit(address: str, rate: str) -> list[Rate]:
    """Take a token of nobody's: from the address's bucket, before there is a user. Raises too_many_requests."""
    with _begun(f"select app.admit_address('{address}', '{rate}') as admitted") as (_, row):
        return rate_limits.read(row["admitted"] if row else None)


@contextmanager
def for_team(team_id: UUID) -> Iterator[Transaction]:
    """The platform's own work on one team's behalf: queue, schedule and event functions only (a test holds that)."""
    with _begun(f"select app.begin_team('{team_id}')") as (tx, _):
        yield tx


@contextmanager
def for_user(user_id: UUID) -> Iterator[Transaction]:
    """Work on one user's own rows before there is a session: register, login, refresh."""
    with _begun(f"select app.begin_user('{user_id}')") as (tx, _):
        yield tx


@contextmanager
def for_platform() -> Iterator[Transaction]:
    """Sees no tenant's rows; for doors and for the platform's own tables."""
    with _begun("select app.begin_user(null)") as (tx, _):
        yield tx


@contextmanager
def _begun(begin: str) -> Iterator[tuple[Transaction, Row | None]]:
    import psycopg

    connection, row = thread_connection.begin(begin)
    tx = Transaction(connection)
    try:
        yield tx, row
        tx.finish()
        if connection.command("commit").status != "COMMIT":
            raise RuntimeError("a statement failed and its error was caught: nothing was committed")
    except psycopg.Error as error:
        thread_connection.roll_back(connection)
        raise thread_connection.without_values(error) from None
    except BaseException:
        thread_connection.roll_back(connection)
        raise
    if tx.outbox:
        from slipway import outbox

        outbox.send(tx.outbox)


def close() -> None:
    """Close this thread's connection."""
    thread_connection.close()
