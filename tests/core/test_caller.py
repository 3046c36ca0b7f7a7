from __future__ import annotations

from uuid import UUID

import pytest
from slipway.caller import NOBODY, Caller, from_context
from slipway.errors import Error

USER = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize("context", [None, {}, {"kind": "nobody"}, {"kind": "root", "user_id": USER}])
def test_without_a_known_kind_the_caller_is_nobody(context: dict[str, str] | None) -> None:
    assert from_context(context).kind == "nobody"


def test_a_user_comes_with_a_session() -> None:
    caller = from_context({"kind": "user", "user_id": USER, "session_id": USER, "principalId": "x"})
    assert (caller.kind, caller.user_id, caller.session_id) == ("user", UUID(USER), UUID(USER))


def test_a_worker_comes_with_its_token_s_hash() -> None:
    assert from_context({"kind": "run", "token_hash": "ab" * 32}).token_hash == b"\xab" * 32


def test_a_refused_credential_says_why() -> None:
    assert from_context({"kind": "nobody", "reason": "expired"}).reason == "expired"


@pytest.mark.parametrize("what", ["user_id", "session_id", "team_id"])
def test_what_is_not_known_is_an_error_and_never_none(what: str) -> None:
    with pytest.raises(Error) as caught:
        getattr(NOBODY, what)
    assert caught.value.code == "unauthenticated"


def test_a_caller_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Caller("nobody").role = "owner"  # type: ignore[misc]
