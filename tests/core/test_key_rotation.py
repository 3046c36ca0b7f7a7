"""A signing key is changed while people are logged in: what is signed and accepted, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jwt
import psycopg
import pytest
from slipway import access_tokens, capabilities
from slipway.access_tokens import Verifier

from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from tests.api import Api
from tests.conftest import SEED
from tests.core.test_access_tokens import KID, SECOND, SESSION, USER, forged, issue

pytestmark = pytest.mark.usefixtures("granted")


class Seeds:
    def __init__(self, *seeds: str) -> None:
        self._seeds = seeds

    def seeds(self) -> Sequence[str]:
        return self._seeds


Rotate = Callable[..., None]


@pytest.fixture
def rotate(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Rotate:
    """Deploys with other seeds: publishes their keys, and starts the processes that sign anew."""

    def deploy(*seeds: str, **options: int) -> None:
        local = provider(machine)
        capabilities.provide(lambda c: Seeds(*seeds) if c is capabilities.SIGNING_KEYS else local(c))
        monkeypatch.setattr(access_tokens, "_signer", access_tokens.Signer())
        with psycopg.connect(machine.owner_url) as connection:
            access_tokens.publish(connection, **options)

    return deploy


@pytest.fixture
def pass_time(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Seconds go by for the rows and for the process that signs. Tokens that were issued do not age."""

    def go_by(seconds: int) -> None:
        with psycopg.connect(machine.owner_url) as connection:
            connection.execute(
                """update signing_keys set created_at = created_at - make_interval(secs => %(s)s),
                                           retired_at = retired_at - make_interval(secs => %(s)s)""",
                {"s": seconds},
            )
        access_tokens._signer._chosen -= seconds

    return go_by


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def key_of(seed: str) -> str:
    return access_tokens._signing_key(seed)[0]


def test_a_new_key_is_shown_first_and_signs_when_every_verifier_knows_it(rotate: Rotate, pass_time: Any) -> None:
    verifier = Verifier()
    verifier.verify(issue())  # it believes in the old list from here on
    rotate(SECOND, SEED)
    assert key_of(SECOND) in access_tokens.verification_keys()
    assert kid(issue()) == KID and verifier.verify(issue())
    pass_time(access_tokens.KEYS_SECONDS - 5)
    assert kid(issue()) == KID
    pass_time(6)
    assert kid(issue()) == key_of(SECOND)
    verifier._loaded -= access_tokens.KEYS_SECONDS + 1
    assert verifier.verify(issue()) == (USER, SESSION)


def test_no_verifier_that_is_warm_ever_meets_a_key_it_does_not_know(rotate: Rotate, pass_time: Any) -> None:
    """Without the overlap this fails: the new key would sign at once, and a guess has just used up the retry."""
    verifier = Verifier()
    verifier.verify(issue())
    rotate(SECOND, SEED)
    with pytest.raises(jwt.InvalidTokenError):
        verifier.verify(forged({"kid": "guess"}))
    assert verifier.verify(issue()) == (USER, SESSION)


def test_the_old_key_verifies_until_its_last_token_has_expired(rotate: Rotate, pass_time: Any) -> None:
    old = issue()
    rotate(SECOND, SEED)
    pass_time(3600)
    rotate(SECOND)
    new = issue()
    assert (kid(old), kid(new)) == (KID, key_of(SECOND))
    pass_time(access_tokens.ACCESS_SECONDS)
    assert Verifier().verify(old) == Verifier().verify(new) == (USER, SESSION)
    pass_time(access_tokens.KEYS_SECONDS + 1)
    assert Verifier().verify(new)
    with pytest.raises(jwt.InvalidTokenError, match="unknown key"):
        Verifier().verify(old)


def test_a_leaked_key_is_retired_at_once(rotate: Rotate) -> None:
    old = issue()
    rotate(SECOND, linger_seconds=0)
    assert kid(issue()) == key_of(SECOND), "there is no other to sign with"
    assert Verifier().verify(issue()) == (USER, SESSION)
    with pytest.raises(jwt.InvalidTokenError, match="unknown key"):
        Verifier().verify(old)


def test_a_later_deploy_does_not_prolong_a_retired_key_s_life(rotate: Rotate, pass_time: Any) -> None:
    old = issue()
    rotate(SECOND)
    pass_time(access_tokens.LINGER_SECONDS - 10)
    rotate(SECOND)
    pass_time(11)
    with pytest.raises(jwt.InvalidTokenError, match="unknown key"):
        Verifier().verify(old)


def test_the_first_key_of_an_installation_signs_at_once(rotate: Rotate, machine: Machine) -> None:
    with psycopg.connect(machine.owner_url) as connection:
        connection.execute("delete from signing_keys")
    rotate(SECOND)
    assert Verifier().verify(issue()) == (USER, SESSION)


def test_a_seed_that_was_not_published_yet_does_not_sign_before_another(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process with the new settings may be there before the deploy's last step."""
    local = provider(machine)
    capabilities.provide(lambda c: Seeds(SECOND, SEED) if c is capabilities.SIGNING_KEYS else local(c))
    monkeypatch.setattr(access_tokens, "_signer", access_tokens.Signer())
    assert kid(issue()) == KID


def test_a_warm_verifier_learns_of_a_new_key(rotate: Rotate) -> None:
    verifier = Verifier()
    verifier.verify(issue())
    rotate(SECOND)
    verifier._loaded -= 11
    assert verifier.verify(issue()) == (USER, SESSION)


def test_a_warm_verifier_forgets_a_retired_key(rotate: Rotate) -> None:
    verifier = Verifier()
    old = issue()
    verifier.verify(old)
    rotate(SECOND, linger_seconds=0)
    verifier._loaded -= access_tokens.KEYS_SECONDS + 1
    with pytest.raises(jwt.InvalidTokenError, match="unknown key"):
        verifier.verify(old)


def test_a_retired_key_comes_back_when_its_seed_does(rotate: Rotate) -> None:
    old = issue()
    rotate(SECOND, linger_seconds=0)
    rotate(SEED, SECOND)
    assert Verifier().verify(old) == (USER, SESSION)


def test_the_key_set_shows_every_accepted_key_and_how_long_it_may_be_kept(rotate: Rotate, api: Api) -> None:
    rotate(SECOND, SEED)
    answer = api.call("GET /.well-known/jwks.json")
    assert {key["kid"] for key in answer.json["keys"]} == {KID, key_of(SECOND)}
    assert answer.headers["cache-control"] == f"public, max-age={access_tokens.KEYS_SECONDS}"
    assert all("d" not in key for key in answer.json["keys"]), "public halves only"
