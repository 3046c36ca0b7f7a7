"""Text fields of requests. Postgres keeps no NUL, people read no control characters."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=PRINTABLE)]
Line = Annotated[str, StringConstraints(max_length=1000, pattern=PRINTABLE)]
_PART = r"[^\s@\x00-\x1f\x7f]+"
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=rf"^{_PART}@{_PART}\.{_PART}$"),
]
Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]


class Input(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
