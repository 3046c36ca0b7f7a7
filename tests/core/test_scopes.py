from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError
from slipway import scopes
from slipway.caller import Caller
from slipway.errors import Error
from slipway.permissions import ROLES, SCOPES, VIEWER
from slipway.scopes import Scope


def test_a_noun_stands_for_what_the_role_may_do_with_it() -> None:
    assert scopes.granted(["run:*"], "editor") == ["run:cancel", "run:create", "run:read"]
    assert scopes.granted(["run:*"], "viewer") == ["run:read"]


def test_read_stands_for_everything_that_the_role_may_read_and_nothing_else() -> None:
    for role in ("owner", "editor", "viewer", "billing"):
        granted = scopes.granted(["*:read"], role)
        assert set(granted) == {p for p in ROLES[role] if p.endswith(":read")} & SCOPES and granted


def test_what_is_asked_for_twice_is_granted_once_and_in_order() -> None:
    assert scopes.granted(["run:read", "file:read", "run:*", "run:read"], "viewer") == ["file:read", "run:read"]


def test_what_the_role_lacks_is_refused_by_name() -> None:
    with pytest.raises(Error) as refused:
        scopes.granted(["file:read", "file:write", "audit:*"], "viewer")
    assert refused.value.code == "forbidden"
    assert refused.value.fields == {"missing": ["audit:*", "file:write"]}
    assert "file:write" in refused.value.detail and "viewer" in refused.value.detail


def test_no_shorthand_reaches_what_no_key_may_have() -> None:
    for noun in {p.partition(":")[0] for p in ROLES["owner"]} - {"key", "team"}:
        assert set(scopes.granted([f"{noun}:*"], "owner")) == {p for p in ROLES["owner"] if p.startswith(f"{noun}:")}
    assert not {"key:create"} & set(scopes.granted(["key:*"], "owner"))
    assert not {"team:delete", "team:transfer", "team:leave"} & set(scopes.granted(["team:*"], "owner"))


@pytest.mark.parametrize(
    "scope", ["key:create", "team:delete", "team:transfer", "self", "operator", "*", "*:*", "*:write", "file", "file:",
              ":read", "File:read", "file:read ", "no:*", "file:eat", "", "run:report"]
)  # fmt: skip
def test_what_is_no_scope_is_not_valid(scope: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Scope).validate_python(scope)


@pytest.mark.parametrize("scope", sorted(SCOPES | {"*:read", "file:*", "key:*"}))
def test_every_scope_is_valid(scope: str) -> None:
    assert TypeAdapter(Scope).validate_python(scope) == scope


def test_a_key_gives_nobody_a_role_that_may_more_than_the_key() -> None:
    """The role would outlive it: an invitation of a stolen key is good when the key has long been revoked."""
    key = Caller("user", scopes=frozenset({"invitation:create", *(VIEWER & SCOPES)}))
    scopes.require_role(key, "viewer")
    with pytest.raises(Error) as caught:
        scopes.require_role(key, "admin")
    assert caught.value.code == "insufficient_scope"
    scopes.require_role(Caller("user"), "owner")
