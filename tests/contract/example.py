"""One request to a route, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.api import Person


@dataclass(frozen=True)
class Example:
    """`body` bytes go as they are, anything else as JSON; `by` None sends no credential."""

    status: int
    by: Person | str | None = None
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    about: str = "works"
    damage: bool = False  # derive the damaged requests from this one; otherwise from the first

    def but(self, about: str, **changes: Any) -> Example:
        """The same request, damaged; its status is whatever both shells say."""
        return replace(self, about=about, status=0, damage=False, **changes)
