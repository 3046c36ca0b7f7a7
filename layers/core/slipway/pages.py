"""Keyset pages: stable under inserts, no offset. A cursor is opaque to clients: the last key, base64url."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from slipway.errors import Error
from slipway.reply import Page

Limit = Annotated[int, Field(ge=1, le=100)]
Cursor = Annotated[str, Field(max_length=2000)]
LAST_UUID = UUID(int=2**128 - 1)
M = TypeVar("M", bound=BaseModel)


def page(model: type[M], rows: Sequence[dict[str, Any]], limit: int, key: str = "id") -> Page[M]:
    """`rows` holds up to limit + 1 rows; the extra one only tells that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    next_cursor = _write(str(shown[-1][key])) if more else None
    return Page[M](data=[model.model_validate(row) for row in shown], has_more=more, next_cursor=next_cursor)


def before(cursor: str | None) -> UUID:
    """The id that a page of ids in descending order comes before."""
    try:
        return UUID(_read(cursor)) if cursor else LAST_UUID
    except ValueError:
        raise _unknown() from None


def after(cursor: str | None) -> str:
    """The text key that a page in ascending order comes after."""
    try:
        return _read(cursor) if cursor else ""
    except ValueError:
        raise _unknown() from None


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    if "\0" in key:
        raise ValueError("NUL")
    return key


def _unknown() -> Error:
    errors = [{"pointer": "/query/cursor", "code": "cursor", "detail": "is not a cursor of this list"}]
    return Error("invalid", "/query/cursor: is not a cursor of this list", errors=errors)
