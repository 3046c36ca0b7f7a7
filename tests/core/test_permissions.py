from __future__ import annotations

import pytest
from slipway import discover
from slipway.permissions import ALL, ROLES, SCOPES, WITHOUT_ROLE, allows

# What each role may do, written out a second time on purpose: a change of the table must be meant.
SEEING = {"workspace:read", "project:read", "file:read", "run:read", "room:read"}
WRITING = {"project:create", "project:update", "file:write", "file:delete", "run:create", "run:cancel"}
MAY = {
    "viewer": SEEING | {"team:read", "member:read", "team:leave", "key:create"},
    "editor": WRITING | {"usage:read"},
    "admin": {
        "workspace:create", "workspace:update", "workspace:delete", "project:delete", "team:update", "member:update",
        "member:remove", "invitation:create", "invitation:read", "invitation:revoke", "key:read", "key:revoke",
        "audit:read", "audit:export", "usage:export",
    },
    "owner": {"team:delete", "team:transfer"},
}  # fmt: skip


def test_each_role_may_what_the_lower_one_may_and_a_little_more() -> None:
    expected: set[str] = set()
    for role, more in MAY.items():
        expected |= more
        assert ROLES[role] == expected


def test_billing_sees_the_team_and_nothing_of_its_work() -> None:
    assert ROLES["billing"] == {"team:read", "team:leave", "member:read", "usage:read", "usage:export"}


def test_a_guest_sees_and_does_the_workspace_s_work_and_nothing_of_its_team() -> None:
    assert ROLES["guest_viewer"] == SEEING
    assert ROLES["guest_editor"] == SEEING | WRITING


def test_a_key_has_no_more_than_its_scopes_and_no_more_than_its_maker() -> None:
    assert allows("editor", "file:write", frozenset({"file:write"}))
    assert not allows("editor", "file:read", frozenset({"file:write"}))
    assert not allows("viewer", "file:write", frozenset({"file:write"}))
    assert not SCOPES & {"team:delete", "team:transfer", "key:create"}, "a stolen key must not take or destroy the team"


@pytest.mark.parametrize("role", ["", "root", "Owner", "nobody"])
def test_an_unknown_role_may_nothing(role: str) -> None:
    assert not any(allows(role, permission) for permission in ALL)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_a_permission_that_is_none(role: str) -> None:
    assert not any(allows(role, permission) for permission in WITHOUT_ROLE | {"", "*", "project:*"})


def test_every_declared_permission_exists() -> None:
    declared = {r.spec.allow for r in discover.routes()} | {s.spec.allow for s in discover.sockets()}
    assert len(declared) > 8
    assert declared <= ALL
