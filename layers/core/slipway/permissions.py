"""Who may do what: the one table that HTTP and WebSocket both read. docs/routes.md shows it per route.

A permission is `noun:verb`. Five words stand for something else: "public" needs no credential, "account" any person or
API key, "self" a person who has logged in (no key), "run:report" a worker's run token, "operator" who runs the platform.
"""

from __future__ import annotations

GUEST_VIEWER = frozenset({"workspace:read", "project:read", "file:read", "run:read", "room:read"})
VIEWER = GUEST_VIEWER | {"team:read", "member:read", "team:leave"}
WRITING = frozenset({"project:create", "project:update", "file:write", "file:delete", "run:create", "run:cancel"})
EDITOR = VIEWER | WRITING | {"key:create", "usage:read"}
BILLING = frozenset({"team:read", "team:leave", "member:read", "usage:read", "usage:export"})
ADMIN = EDITOR | BILLING | {
    "workspace:create", "workspace:update", "workspace:delete", "project:delete",
    "team:update", "member:update", "member:remove", "invitation:create", "invitation:read", "invitation:revoke",
    "key:read", "key:revoke", "audit:read", "audit:export",
}  # fmt: skip
OWNER = ADMIN | {"team:delete", "team:transfer"}

ROLES: dict[str, frozenset[str]] = {
    "owner": OWNER,
    "admin": ADMIN,
    "editor": EDITOR,
    "viewer": VIEWER | {"key:create"},
    "billing": BILLING,
    "guest_editor": GUEST_VIEWER | WRITING,
    "guest_viewer": GUEST_VIEWER,
}
WITHOUT_ROLE = frozenset({"public", "account", "self", "run:report", "operator"})
SCOPES = OWNER - {"team:delete", "team:transfer", "key:create", "team:leave"}  # what an API key may be given
ALL = OWNER | WITHOUT_ROLE


def allows(role: str, permission: str, scopes: frozenset[str] | None = None) -> bool:
    """Whether the role has the permission, and the key's scopes too where a key is used."""
    return permission in ROLES.get(role, frozenset()) and (scopes is None or permission in scopes)
