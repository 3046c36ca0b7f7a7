from __future__ import annotations

import pytest
from slipway import discover
from slipway.permissions import ALL, ROLES, WITHOUT_ROLE, allows

# What each role may do, written out a second time on purpose: a change of the table must be meant.
MAY = {
    "viewer": {"team:read", "workspace:read", "project:read", "file:read", "run:read", "room:read"},
    "editor": {"project:create", "project:update", "file:write", "file:delete", "run:create", "run:cancel"},
    "admin": {"workspace:create", "project:delete"},
    "owner": set(),
}


def test_each_role_may_what_the_lower_one_may_and_a_little_more() -> None:
    expected: set[str] = set()
    for role, more in MAY.items():
        expected |= more
        assert ROLES[role] == expected


def test_billing_sees_the_team_and_nothing_of_its_work() -> None:
    assert ROLES["billing"] == {"team:read"}


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
