from __future__ import annotations

import base64
import hashlib

import pytest
from slipway import access_tokens, credentials, tokens

from tests.api import Api

pytestmark = pytest.mark.usefixtures("granted")


def test_a_good_access_token_makes_a_user(api: Api) -> None:
    ann = api.register()
    context = credentials.bearer(f"Bearer {ann.token}")
    assert (context["kind"], set(context)) == ("user", {"kind", "user_id", "session_id"})


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_s_case_does_not_matter(api: Api, scheme: str) -> None:
    assert credentials.bearer(f"{scheme} {api.register().token}")["kind"] == "user"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "x" * 8000])
def test_a_header_without_a_bearer_token_makes_nobody_and_says_what_to_send(header: str) -> None:
    assert credentials.bearer(header) == {
        "kind": "nobody",
        "reason": "Send Authorization: Bearer and an access token.",
    }


DEEP = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")


@pytest.mark.parametrize("token", ["a", "a.b.c", "é.é.é", "..", f"{DEEP}.{DEEP}.eA", "slp_rt_abc", "\0"], ids=range(7))
def test_any_other_token_makes_nobody(token: str) -> None:
    context = credentials.bearer(f"Bearer {token}")
    assert (context["kind"], context["reason"]) == ("nobody", "The access token is not valid.")


def test_an_expired_token_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "ACCESS_SECONDS", -1)
    context = credentials.bearer(f"Bearer {api.register().token}")
    assert context["reason"] == "The access token has expired: exchange the refresh token."


def test_the_reason_reaches_the_client_in_the_problem(api: Api) -> None:
    answer = api.call("GET /v1/me", by="nonsense")
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert answer.json["detail"] == "The access token is not valid."
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_run_token_is_passed_on_as_its_hash_only() -> None:
    token = tokens.opaque(tokens.RUN_PREFIX)
    context = credentials.bearer(f"Bearer {token}")
    assert context == {"kind": "run", "token_hash": hashlib.sha256(token.encode()).hexdigest()}
