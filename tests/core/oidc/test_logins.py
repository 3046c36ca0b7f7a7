from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from slipway import clock
from slipway.oidc import id_tokens, issuers, outgoing, redirects, tickets

from tests.api import Api
from tests.core.oidc.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.core.oidc.visitor import BINDING, Visitor


def test_a_start_says_where_to_go_and_keeps_the_verifier_to_itself(visitor: Visitor, issuer: Issuer) -> None:
    started = visitor.start()
    assert started.status == 200
    url = urlsplit(started.json["authorization_url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert started.json["authorization_url"].startswith(f"{issuer.url}/authorize?")
    assert query["tenant"] == "1", "what the endpoint has of its own stays"
    assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
    assert (query["state"], query["redirect_uri"]) == (started.json["state"], redirects.web_app())
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert set(query["scope"].split()) == {"openid", "email", "profile"}
    assert "verifier" not in started.content.decode()
    again = parse_qs(urlsplit(visitor.start().json["authorization_url"]).query)
    assert again["nonce"] != [query["nonce"]] and again["code_challenge"] != [query["code_challenge"]]


def test_a_whole_login_ends_in_a_session_that_works(api: Api, visitor: Visitor) -> None:
    person = visitor.person()
    me = api.call("GET /v1/me", by=person)
    assert me.status == 200
    assert (me.json["email"], me.json["name"]) == ("ann@example.com", "Ann")


def test_a_program_on_the_own_machine_may_be_sent_back_to(visitor: Visitor) -> None:
    started = visitor.start("http://127.0.0.1:43127/done")
    assert visitor.exchange(visitor.come_back(started)).status == 200


@pytest.mark.parametrize("uri", ["https://evil.example/oidc/callback", "http://127.0.0.1@evil.example/", "x"])
def test_nobody_is_sent_anywhere_else(visitor: Visitor, uri: str) -> None:
    refused = visitor.start(uri)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/body/redirect_uri")


def test_an_unknown_provider_is_not_found(visitor: Visitor) -> None:
    assert visitor.start(provider="nobody").json["code"] == "not_found"
    assert visitor.exchange({"code": "c", "state": "s"}, provider="nobody").json["code"] == "not_found"


# ── Who may finish what was begun ───────────────────────────────────────────────────────────────────────────────


def test_who_did_not_begin_a_login_cannot_finish_it(visitor: Visitor) -> None:
    """Login CSRF: what the attacker's browser was sent back with, in the victim's."""
    back = visitor.come_back(visitor.start())
    refused = visitor.exchange(back, binding="v" * 43)
    assert (refused.status, refused.json["code"]) == (401, "invalid_state")
    assert visitor.exchange(back).status == 200, "the control: the code was not used up"


def test_a_state_of_ours_is_needed_and_a_fresh_one(visitor: Visitor) -> None:
    back = visitor.come_back(visitor.start())
    for state in ("x", back["state"][:-2], back["state"].replace(".", "..")):
        assert visitor.exchange({**back, "state": state}).json["code"] == "invalid_state"
    with time_machine.travel(clock.now().timestamp() + tickets.STATE_SECONDS + 1):
        assert visitor.exchange(back).json["code"] == "invalid_state"
    assert visitor.exchange(back).status == 200


def test_a_state_is_good_for_its_own_provider_only(
    visitor: Visitor, issuer: Issuer, configure: Callable[[str], None]
) -> None:
    configure(issuer.setting()[:-1] + "," + issuer.setting(id="other")[1:])
    back = visitor.come_back(visitor.start())
    assert visitor.exchange(back, provider="other").json["code"] == "invalid_state"


def test_a_code_is_good_for_its_own_login_only(visitor: Visitor) -> None:
    """Code injection: the code of one login with the state of another. PKCE's verifier does not fit."""
    stolen, own = visitor.come_back(visitor.start()), visitor.come_back(visitor.start())
    refused = visitor.exchange({**own, "code": stolen["code"]})
    assert (refused.status, refused.json["code"]) == (401, "login_refused")
    assert visitor.exchange(own).status == 200


def test_a_code_is_good_once(visitor: Visitor) -> None:
    back = visitor.come_back(visitor.start())
    assert [visitor.exchange(back).status for _ in range(2)] == [200, 401]


def test_a_provider_that_names_itself_must_be_the_one_that_was_asked(visitor: Visitor, issuer: Issuer) -> None:
    issuer.discovery = {"authorization_response_iss_parameter_supported": True}
    back = visitor.come_back(visitor.start())
    assert back["iss"] == issuer.url
    for iss in ({"iss": "https://evil.example"}, {}):
        refused = visitor.exchange({"code": back["code"], "state": back["state"], **iss})
        assert refused.json["code"] == "login_refused"
    assert visitor.exchange(back).status == 200


# ── Providers that misbehave ────────────────────────────────────────────────────────────────────────────────────

WRONG_TOKENS = (
    "nonce", "no nonce", "audience", "audience, and our party", "two audiences", "party", "issuer", "expired",
    "no expiry", "access token", "subject", "kid", "signature", "none", "shared key", "public key as secret",
    "no token",
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_TOKENS)
def test_an_id_token_that_is_not_right_lets_nobody_in(visitor: Visitor, issuer: Issuer, wrong: str) -> None:
    issuer.wrong = wrong
    refused = visitor.exchange(visitor.come_back(visitor.start()))
    assert (refused.status, refused.json["code"]) == (401, "login_refused")
    assert "nonce" not in refused.json["detail"], "the reason is for the log"
    issuer.wrong = ""
    assert visitor.exchange(visitor.come_back(visitor.start())).status == 200, "the control"


@pytest.mark.parametrize(
    ("module", "name", "wider"),
    [
        (issuers, "KEY_TYPES", ("RSA", "EC", "OKP", "oct")),
        (id_tokens, "ALGORITHMS", id_tokens.ALGORITHMS | {"HS256", "none"}),
    ],
)
def test_either_of_two_walls_keeps_a_shared_key_out(
    visitor: Visitor, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, wider: Any
) -> None:
    """A key that stands in a public document signs nothing: neither its type nor its algorithm is accepted."""
    issuer.wrong = "shared key"
    back = visitor.come_back(visitor.start())
    monkeypatch.setattr(module, name, wider)
    assert visitor.exchange(back).json["code"] == "login_refused"
    monkeypatch.setattr(issuers, "KEY_TYPES", ("RSA", "EC", "OKP", "oct"))
    monkeypatch.setattr(id_tokens, "ALGORITHMS", id_tokens.ALGORITHMS | {"HS256"})
    issuers.forget()
    assert visitor.exchange(visitor.come_back(visitor.start())).status == 200, "the control: with both walls down"


WRONG_ANSWERS = ("redirects", "drips", "is huge", "fails", "says nonsense")


@pytest.mark.parametrize("how", WRONG_ANSWERS)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_a_provider_that_does_not_answer_as_it_should_is_unavailable(
    visitor: Visitor, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, path: str, how: str
) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.4)
    back = visitor.come_back(visitor.start())
    issuers.forget()
    issuer.wrong = f"{path} {how}"
    refused = visitor.exchange(back)
    assert (refused.status, refused.json["code"]) == (503, "provider_unavailable"), refused.content
    assert "/elsewhere" not in issuer.asked, "a redirect was followed"


def test_a_provider_that_is_down_is_unavailable_at_the_start(visitor: Visitor, issuer: Issuer) -> None:
    issuer.stop()
    assert visitor.start().json["code"] == "provider_unavailable"


# ── What providers differ in ────────────────────────────────────────────────────────────────────────────────────


def test_a_provider_may_change_its_keys(visitor: Visitor, issuer: Issuer) -> None:
    assert visitor.exchange(visitor.come_back(visitor.start())).status == 200
    issuer.rotate()
    with time_machine.travel(clock.now().timestamp() + issuers.RETRY.total_seconds() + 1):
        assert visitor.exchange(visitor.come_back(visitor.start())).status == 200
    assert issuer.asked.count("/jwks") == 2


def test_a_provider_may_want_the_secret_in_the_form(visitor: Visitor, issuer: Issuer) -> None:
    issuer.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert visitor.exchange(visitor.come_back(visitor.start())).status == 200


def test_the_wrong_secret_lets_nobody_in(visitor: Visitor, issuer: Issuer, configure: Callable[[str], None]) -> None:
    configure(issuer.setting(client_secret="guessed"))
    refused = visitor.exchange(visitor.come_back(visitor.start()))
    assert refused.json["code"] == "login_refused"
    assert CLIENT_SECRET not in refused.content.decode() and "guessed" not in refused.content.decode()


def test_one_clients_secret_is_not_told_to_the_next_provider(
    visitor: Visitor, issuer: Issuer, configure: Callable[[str], None]
) -> None:
    """Authlib keeps one dict of headers for all clients."""
    assert visitor.exchange(visitor.come_back(visitor.start())).status == 200
    configure(issuer.setting(client_secret=""))
    assert visitor.exchange(visitor.come_back(visitor.start())).json["code"] == "login_refused"


def test_the_address_may_come_from_the_user_info_endpoint(visitor: Visitor, issuer: Issuer) -> None:
    issuer.thin = True
    assert visitor.person().user["email"] == "ann@example.com"
    issuer.wrong = "userinfo"
    assert (
        visitor.log_in(sub="bob-1", email="bob@example.com", email_verified=True).json["code"] == "email_not_verified"
    )


def test_a_binding_is_a_value_that_cannot_be_guessed(visitor: Visitor) -> None:
    back = visitor.come_back(visitor.start())
    assert visitor.exchange(back, binding=BINDING[:-1]).status == 422
