"""What a route's body may return beside a plain model: with headers, as bytes, as a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A model (or None) with headers, and with another status than the declared one if given."""

    body: T
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes as they are."""

    body: bytes
    media_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


class Page(BaseModel, Generic[T]):
    """One page of a list; give `next_cursor` back as `cursor` for the next."""

    data: list[T]
    has_more: bool
    next_cursor: str | None = None
