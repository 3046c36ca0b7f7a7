"""Versions of what two people may change at once, as HTTP says them: a strong ETag, If-Match (412), If-None-Match (304)."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import BaseModel

from slipway.errors import Error
from slipway.reply import Reply

M = TypeVar("M", bound=BaseModel)


def of(version: int) -> str:
    return f'"{version}"'


def require(if_match: str | None, version: int) -> None:
    """Refuse to change another version than the client has read; without If-Match any will do."""
    if if_match is not None and not {"*", of(version)} & _listed(if_match):
        raise Error("precondition_failed", "Read it again: it has changed since.", headers={"etag": of(version)})


def reply(model: M, version: int, if_none_match: str | None = None) -> Reply[M]:
    """The model with its ETag; 304 without a body where the client has this version."""
    headers = {"etag": of(version)}
    if if_none_match and {"*", of(version)} & {tag.removeprefix("W/") for tag in _listed(if_none_match)}:
        # With a media type, or the shells differ: Mangum gives an answer without one this very type.
        return Reply(cast(Any, None), {"content-type": "application/json", **headers}, status=304)
    return Reply(model, headers)


def _listed(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
