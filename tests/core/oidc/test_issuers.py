from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from slipway import clock
from slipway.oidc import issuers
from slipway.oidc.outgoing import Unreachable
from slipway.oidc.providers import Provider

from tests.core.oidc.issuer import Issuer

DOCUMENT = "/.well-known/openid-configuration"


@pytest.fixture
def provider(issuer: Issuer) -> Iterator[Provider]:
    (own,) = json.loads(issuer.setting())
    yield Provider(**own)
    issuers.forget()


def test_a_discovery_document_is_kept_for_an_hour(issuer: Issuer, provider: Provider) -> None:
    for _ in range(3):
        assert issuers.find(provider).token_endpoint == f"{issuer.url}/token"
    assert issuer.asked == [DOCUMENT]
    with time_machine.travel(clock.now() + issuers.KEPT * 1.01):
        issuers.find(provider)
    assert issuer.asked == [DOCUMENT] * 2


def test_a_document_about_another_issuer_is_refused(issuer: Issuer, provider: Provider) -> None:
    issuer.discovery = {"issuer": "https://another.example"}
    with pytest.raises(Unreachable, match="another issuer"):
        issuers.find(provider)


WRONG: list[dict[str, Any]] = [
    {"token_endpoint": "http://another.example/token"}, {"jwks_uri": None}, {"authorization_endpoint": "javascript:x"},
    {"token_endpoint": 7}, {"userinfo_endpoint": "http://another.example/"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_endpoint_that_a_secret_must_not_go_to_is_refused(
    issuer: Issuer, provider: Provider, wrong: dict[str, Any]
) -> None:
    issuer.discovery = wrong
    with pytest.raises(Unreachable):
        issuers.find(provider)


def test_an_issuer_on_the_internet_has_no_endpoint_on_this_machine() -> None:
    provider = Provider(id="p", name="P", issuer="https://p.example", client_id="c")
    said = {
        "issuer": provider.issuer, "authorization_endpoint": "https://p.example/a", "token_endpoint": "https://q.example/t",
        "jwks_uri": "https://p.example/k",
    }  # fmt: skip
    assert issuers._issuer(provider, said).algorithms == ("RS256",)
    for url in ("http://127.0.0.1/t", "http://localhost:8000/t"):
        with pytest.raises(Unreachable):
            issuers._issuer(provider, said | {"token_endpoint": url})


def test_of_its_keys_only_public_signature_keys_count(issuer: Issuer, provider: Provider) -> None:
    assert [key.kid for key in issuers.find(provider).keys("first")] == ["first"]


def test_an_unknown_key_makes_us_look_again_but_not_all_the_time(issuer: Issuer, provider: Provider) -> None:
    found = issuers.find(provider)
    found.keys("first")
    for _ in range(5):
        found.keys("unknown")
    assert issuer.asked.count("/jwks") == 1
    issuer.rotate()
    with time_machine.travel(clock.now() + issuers.RETRY * 1.1):
        assert [key.kid for key in found.keys("second")] == ["second"]
        found.keys("first")
    assert issuer.asked.count("/jwks") == 2


def test_a_key_that_a_provider_has_taken_back_is_believed_for_an_hour_at_most(
    issuer: Issuer, provider: Provider
) -> None:
    found = issuers.find(provider)
    found.keys("first")
    issuer.rotate()
    with time_machine.travel(clock.now() + issuers.KEPT * 1.01):
        assert [key.kid for key in found.keys("first")] == ["second"]
