"""One connection to Postgres: psycopg adapts the values and reads the rows, libpq's blocking calls do the waiting.

psycopg's own `execute` waits in steps, each of which lets the interpreter's lock go and fights for it again: with many
requests in one process that was a third of a request's time. Here the lock is let go once a statement. The price is
that Ctrl-C waits for the statement's end.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import dict_row

Row = dict[str, Any]
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Found(NamedTuple):
    """`touched`: how many rows; `status`: the server's word for it, such as COMMIT."""

    rows: list[Row]
    touched: int
    status: str


@cache
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the server reads it, `$1` for the first name and `%` for `%%`, and the names in their order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PLACEHOLDER.sub(number, statement).encode(), tuple(names)


class Wire(psycopg.Connection[Row]):
    """Commits by itself until a `begin`. Its methods raise what psycopg raises, OperationalError when it is lost."""

    prepares = False
    _names: dict[tuple[bytes, tuple[int, ...] | None], bytes]

    @classmethod
    def open(cls, conninfo: str, prepares: bool) -> Wire:
        """`prepares`: the server keeps each statement's plan for this connection, which a sharing proxy cannot."""
        made = cls.connect(conninfo, autocommit=True, prepare_threshold=None, row_factory=dict_row)
        made.prepares, made._names = prepares, {}
        return made

    def command(self, text: str) -> Found:
        """Statements in one round trip, without parameters; what the last one found."""
        return self._found(self.pgconn.exec_(text.encode()), Transformer(self))

    def ask(self, statement: str, parameters: dict[str, Any]) -> Found:
        """One statement with its values by name."""
        query, names = numbered(statement)
        adapter = Transformer(self)
        # A None in it is NULL, which psycopg's own types know of for one of the two calls only.
        values: Any = adapter.dump_sequence([parameters[name] for name in names], [PyFormat.AUTO] * len(names))
        types, formats = adapter.types, adapter.formats
        if self.prepares:
            name = self._names.get((query, types)) or self._prepare(query, types)
            result = self.pgconn.exec_prepared(name, values, formats, Format.BINARY)
        else:
            result = self.pgconn.exec_params(query, values, types, formats, Format.BINARY)
        return self._found(result, adapter)

    def _prepare(self, query: bytes, types: tuple[int, ...] | None) -> bytes:
        name = b"s%d" % len(self._names)
        self._checked(self.pgconn.prepare(name, query, types))
        self._names[query, types] = name
        return name

    def _found(self, result: PGresult, adapter: abc.Transformer) -> Found:
        self._checked(result)
        rows: list[Row] = []
        if result.ntuples:
            names = [(result.fname(i) or b"").decode() for i in range(result.nfields)]
            adapter.set_pgresult(result)
            rows = adapter.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))
        return Found(rows, result.command_tuples or 0, (result.command_status or b"").decode())

    def _checked(self, result: PGresult) -> None:
        if result.status in _GOOD:
            return
        if self.pgconn.status == ConnStatus.BAD:  # libpq's own words, without the code that would name the error
            raise psycopg.OperationalError(self.pgconn.get_error_message())
        raise psycopg.errors.error_from_result(result)
