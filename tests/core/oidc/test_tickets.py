from __future__ import annotations

import jwt
import pytest
from slipway import capabilities, ids
from slipway.errors import Error
from slipway.oidc import tickets
from slipway.oidc.tickets import Assertion

from tests.conftest import SEED

BINDING = "b" * 43
OTHER = "22" * 32
ANN = Assertion(
    id=ids.new(), provider="p", issuer="https://p.example", subject="s", email="a@b.example", email_verified=True, name="Ann"
)  # fmt: skip


def begun() -> tickets.State:
    return tickets.begin("p", "http://127.0.0.1/", tickets.hashed(BINDING))


def rotate(*seeds: str) -> None:
    """What SIGNING_KEYS has from here on; the `granted` fixture's machine takes it away."""

    class Seeds:
        def seeds(self) -> tuple[str, ...]:
            return seeds

    capabilities.provide(lambda _: Seeds())


def test_a_state_resumes_as_it_was_begun(granted: None) -> None:
    state = begun()
    assert tickets.resume(state.token, "p", BINDING) == state


def test_who_holds_a_state_does_not_hold_its_verifier(granted: None) -> None:
    """43 characters of base64url, as RFC 7636 asks; and every login has its own."""
    state = begun()
    claims = jwt.decode(state.token, options={"verify_signature": False})
    assert len(state.verifier) == 43 and state.verifier not in str(claims) and state.nonce not in str(claims)
    assert len({state.verifier, state.nonce, begun().verifier}) == 3


def test_another_provider_or_another_binding_is_refused(granted: None) -> None:
    state = begun()
    for provider, binding in (("q", BINDING), ("p", "c" * 43), ("p", tickets.hashed(BINDING))):
        with pytest.raises(Error, match="invalid_state"):
            tickets.resume(state.token, provider, binding)


def test_an_assertion_reads_as_it_was_written(granted: None) -> None:
    assert tickets.read_assertion(tickets.vouch(ANN)) == ANN


def test_neither_passes_for_the_other_not_even_with_its_type(granted: None) -> None:
    with pytest.raises(Error, match="invalid_assertion"):
        tickets.read_assertion(begun().token)
    with pytest.raises(Error, match="invalid_state"):
        tickets.resume(tickets.vouch(ANN), "p", BINDING)
    claims = jwt.decode(tickets.vouch(ANN), options={"verify_signature": False})
    header = {"typ": "oidc-assertion+jwt"}
    good = jwt.encode(claims, tickets._key(SEED, "assertion"), "HS256", headers=header)
    assert tickets.read_assertion(good) == ANN, "the control"
    forged = [
        jwt.encode(claims, tickets._key(SEED, "state"), "HS256", headers=header),
        jwt.encode(claims, tickets._key(OTHER, "assertion"), "HS256", headers=header),
        jwt.encode(claims, None, "none", headers=header),
        jwt.encode(claims, tickets._key(SEED, "assertion") * 2, "HS512", headers=header),
        jwt.encode(claims, tickets._key(SEED, "assertion"), "HS256", headers={"typ": "at+jwt"}),
        jwt.encode(claims, tickets._key(SEED, "assertion"), "HS256", headers=header | {"crit": ["x"], "x": 1}),
        jwt.encode({**claims, "aud": "slipway:api"}, tickets._key(SEED, "assertion"), "HS256", headers=header),
        *(
            jwt.encode({k: v for k, v in claims.items() if k != left}, tickets._key(SEED, "assertion"), "HS256", headers=header)
            for left in ("exp", "jti", "aud", "iss", "iat")
        ),
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(Error, match="invalid_assertion"):
            tickets.read_assertion(token)


def test_a_rotation_of_the_seeds_ends_no_login(granted: None) -> None:
    state, assertion = begun(), tickets.vouch(ANN)
    rotate(OTHER, SEED)
    assert tickets.resume(state.token, "p", BINDING) == state
    assert tickets.read_assertion(assertion) == ANN
    assert begun().verifier != state.verifier
    rotate(OTHER)
    with pytest.raises(Error, match="invalid_state"):
        tickets.resume(state.token, "p", BINDING)
