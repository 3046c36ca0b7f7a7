from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import psycopg
import pytest
from slipway import access_tokens, credentials, db, key_tokens, tokens

from tests.api import Api
from tests.core.backstage import uuid_of
from tests.core.keyring import make

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
        "reason": "Send Authorization: Bearer and an access token or API key.",
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


def test_an_api_key_makes_its_maker_and_notes_the_minute_of_its_use(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    key = make(api, ann)
    used = "select last_used_at, last_used_at = date_trunc('minute', last_used_at) from api_keys"
    assert everything.execute(used).fetchone() == (None, None)
    context = credentials.bearer(f"Bearer {key['secret']}")
    assert context == {"kind": "user", "user_id": str(ann.user_id), "key_id": str(uuid_of(key["id"]))}
    first = everything.execute(used).fetchone()
    assert first and first[1] is True
    everything.execute("update api_keys set last_used_at = last_used_at - interval '1 minute'")
    credentials.bearer(f"Bearer {key['secret']}")
    assert everything.execute("select last_used_at >= %s from api_keys", first[:1]).fetchone() == (True,)


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()"])
def test_a_key_that_has_ended_makes_nobody_and_is_not_used(api: Api, everything: psycopg.Connection, end: str) -> None:
    secret = make(api, api.project())["secret"]
    everything.execute(f"update api_keys set {end}")
    context = credentials.bearer(f"Bearer {secret}")
    assert context == {"kind": "nobody", "reason": "The API key was revoked or has expired."}
    assert everything.execute("select last_used_at from api_keys").fetchone() == (None,)


def test_a_key_that_nobody_has_makes_nobody() -> None:
    context = credentials.bearer(f"Bearer {key_tokens.make()}")
    assert context == {"kind": "nobody", "reason": "The API key is not known."}


@pytest.mark.parametrize(
    "damage", [lambda k: k[:-1], lambda k: k + "a", lambda k: k[:20] + "_" + k[21:], lambda k: "slp_sk_"]
)
def test_a_key_with_a_wrong_checksum_costs_no_query(
    damage: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "for_platform", lambda: pytest.fail("asked the database"))
    context = credentials.bearer(f"Bearer {damage(key_tokens.make())}")
    assert (context["kind"], "checksum" in context["reason"]) == ("nobody", True)


def test_a_run_token_is_passed_on_as_its_hash_only() -> None:
    token = tokens.opaque(tokens.RUN_PREFIX)
    context = credentials.bearer(f"Bearer {token}")
    assert context == {"kind": "run", "token_hash": hashlib.sha256(token.encode()).hexdigest()}
