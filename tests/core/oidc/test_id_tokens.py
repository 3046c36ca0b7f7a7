"""What is refused in an ID token stands in test_logins.py, where a provider signs it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from slipway.oidc import id_tokens, issuers
from slipway.oidc.id_tokens import Refused, person
from slipway.oidc.issuers import Issuer as Known
from slipway.oidc.providers import Provider

from tests.core.oidc.issuer import Grant, Issuer


@pytest.fixture
def known(issuer: Issuer) -> Known:
    (own,) = json.loads(issuer.setting())
    return issuers.find(Provider(**own))


def token(issuer: Issuer) -> str:
    return issuer.id_token(Grant("", "n", "", issuer.person), "access")


def test_the_claims_are_the_provider_s(issuer: Issuer, known: Known) -> None:
    claims = id_tokens.verify(known, token(issuer), "n", "access")
    assert claims["sub"] == "ann-1"
    with pytest.raises(Refused, match="nonce"):
        id_tokens.verify(known, token(issuer), "m", "access")


@pytest.mark.parametrize("algorithms", [("ES256",), ("HS256", "none"), ()])
def test_an_algorithm_that_the_provider_does_not_name_or_that_we_do_not_take_is_refused(
    issuer: Issuer, known: Known, algorithms: tuple[str, ...]
) -> None:
    with pytest.raises(Refused):
        id_tokens.verify(dataclasses.replace(known, algorithms=algorithms), token(issuer), "n", "access")


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "e30.e30.e30", "{}.{}.{}", "é.é.é", "W10.W10.W10"])
def test_what_is_no_token_is_refused(known: Known, text: str) -> None:
    with pytest.raises(Refused):
        id_tokens.verify(known, text, "n", "access")


@pytest.mark.parametrize("subject", ["", "x" * 256, "é", "a\nb"])
def test_a_subject_that_the_specification_forbids_is_refused(subject: str) -> None:
    with pytest.raises(Refused, match="subject"):
        person({"sub": subject})


@pytest.mark.parametrize(
    ("claims", "email", "verified", "name"),
    [
        ({"email": " Ann@Example.com", "email_verified": True, "name": "Ann"}, "ann@example.com", True, "Ann"),
        ({"email": "ann@example.com", "email_verified": "true"}, "ann@example.com", True, "ann"),
        ({"email": "ann@example.com", "email_verified": 1, "preferred_username": "annie"}, "ann@example.com", False, "annie"),
        ({"email": "no address", "email_verified": True}, "", False, "Somebody"),
        ({"email": ["a@b.example"], "email_verified": True, "name": 7}, "", False, "Somebody"),
        ({"name": "A\x00n\nn" + "x" * 200}, "", False, "Ann" + "x" * 97),
    ],
)  # fmt: skip
def test_a_person_is_what_can_be_kept_of_the_claims(
    claims: dict[str, Any], email: str, verified: bool, name: str
) -> None:
    assert person({"sub": "s", **claims}) == ("s", email, verified, name)
