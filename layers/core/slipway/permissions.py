"""Who may do what: the one table that HTTP and WebSocket both read. docs/routes.md shows it per route.

A permission is `noun:verb`. "public" needs no login, "self" any user, "run:report" a worker's run token.
"""

from __future__ import annotations

VIEWER = frozenset(
    {"team:read", "workspace:read", "project:read", "file:read", "run:read", "room:read"},
)
EDITOR = VIEWER | {
    "project:create", "project:update", "file:write", "file:delete", "run:create", "run:cancel",
}  # fmt: skip
ADMIN = EDITOR | {"workspace:create", "project:delete"}

ROLES: dict[str, frozenset[str]] = {
    "owner": ADMIN,  # what only an owner may do has no route yet
    "admin": ADMIN,
    "editor": EDITOR,
    "viewer": VIEWER,
    "billing": frozenset({"team:read"}),
}
WITHOUT_ROLE = frozenset({"public", "self", "run:report"})
ALL = ADMIN | WITHOUT_ROLE


def allows(role: str, permission: str) -> bool:
    return permission in ROLES.get(role, frozenset())
