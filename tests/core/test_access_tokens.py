"""Access tokens: what is refused, where the keys come from, and how they are changed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import jwt
import psycopg
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from slipway import access_tokens, capabilities, db, ids, tokens
from slipway.access_tokens import Verifier
from slipway.errors import Error

from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from tests.api import Api
from tests.conftest import SEED

USER, SESSION = UUID("01890a5d-ac96-774b-bcce-b302099a8057"), UUID("01890a5d-ac96-774b-bcce-b302099a8058")
SECOND = "22" * 32
KID = "Wlc4D3FL227CS3wt41J-ViVIvMchMNz8Th6KDhK7lWI"  # of SEED: a changed derivation would log out everybody
pytestmark = pytest.mark.usefixtures("granted")


def forged(header: dict[str, Any] | None = None, key: Any = None, alg: str = "ES256", **claims: Any) -> str:
    """A token as `issue` makes it, but for what is given; None leaves a claim or a header field out."""
    kid, own = access_tokens._signing_key(SEED)
    now = int(time.time())
    sub, sid = ids.encode("usr", USER), ids.encode("ses", SESSION)
    said = {"iss": "slipway", "aud": "slipway:api", "sub": sub, "sid": sid, "iat": now, "exp": now + 900} | claims
    fields = {"kid": kid, "typ": "at+jwt"} | (header or {})
    return jwt.encode({k: v for k, v in said.items() if v is not None}, key or own, alg, fields)


def by_hand(header: dict[str, Any], sign: Any = lambda text: b"") -> str:
    """A token that no library would make."""
    own = jwt.get_unverified_header(forged()) | header
    claims = jwt.decode(forged(), options={"verify_signature": False})
    text = ".".join(base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=") for x in (own, claims))
    return f"{text}.{base64.urlsafe_b64encode(sign(text.encode())).decode().rstrip('=')}"


def public(form: serialization.Encoding) -> bytes:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return access_tokens._signing_key(SEED)[1].public_key().public_bytes(form, kind)


def another_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def issue() -> str:
    with db.for_platform() as tx:
        return access_tokens.issue(tx, USER, SESSION)


def test_a_token_that_we_issued_names_its_user_and_session() -> None:
    assert Verifier().verify(issue()) == (USER, SESSION)
    assert Verifier().verify(forged()) == (USER, SESSION)  # the control of every forgery below


def hs256(secret: bytes) -> Any:
    return lambda text: hmac.new(secret, text, hashlib.sha256).digest()


def rs256(text: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    return rsa.generate_private_key(65537, 2048).sign(text, padding.PKCS1v15(), SHA256())


FORGERIES: dict[str, Any] = {
    "alg none": lambda: by_hand({"alg": "none"}),
    "alg None, capitalised": lambda: by_hand({"alg": "NoNe"}),
    "no signature": lambda: by_hand({}),
    "HS256 with the public key (PEM)": lambda: by_hand({"alg": "HS256"}, hs256(public(serialization.Encoding.PEM))),
    "HS256 with the public key (DER)": lambda: by_hand({"alg": "HS256"}, hs256(public(serialization.Encoding.DER))),
    "HS256 with an empty secret": lambda: by_hand({"alg": "HS256"}, hs256(b"")),
    "RS256 with a key of one's own": lambda: by_hand({"alg": "RS256"}, rs256),
    "another key under our kid": lambda: forged(key=another_key()),
    "kid traversal": lambda: forged({"kid": "../../../../dev/null"}, key=another_key()),
    "kid with SQL": lambda: forged({"kid": "' union select '{}' --"}, key=another_key()),
    "kid unknown": lambda: forged({"kid": "nobody"}),
    "kid empty": lambda: forged({"kid": ""}),
    "jku": lambda: forged({"kid": "x", "jku": "https://evil.example/jwks.json"}, key=another_key()),
    "x5u": lambda: forged({"kid": "x", "x5u": "https://evil.example/x.pem"}, key=another_key()),
    "crit": lambda: forged({"crit": ["b64"], "b64": False}),
    "crit unknown": lambda: forged({"crit": ["exp"]}),
    "no exp": lambda: forged(exp=None),
    "no iat": lambda: forged(iat=None),
    "no sub": lambda: forged(sub=None),
    "no sid": lambda: forged(sid=None),
    "no aud": lambda: forged(aud=None),
    "no iss": lambda: forged(iss=None),
    "wrong aud": lambda: forged(aud="slipway:preview"),
    "wrong iss": lambda: forged(iss="somebody"),
    "wrong typ": lambda: forged({"typ": "rt+jwt"}),
    "typ JWT": lambda: forged({"typ": "JWT"}),
    "no typ": lambda: forged({"typ": None}),
    "expired": lambda: forged(exp=int(time.time()) - 1),
    "not yet valid": lambda: forged(nbf=int(time.time()) + 60),
    "issued in the future": lambda: forged(iat=int(time.time()) + 3600),
    "a refresh token": lambda: tokens.opaque("slp_rt_"),
    "a run token": lambda: tokens.opaque(tokens.RUN_PREFIX),
    "half a token": lambda: forged().rpartition(".")[0],
    "nothing": lambda: "",
    "dots": lambda: "..",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_or_foreign_token_is_refused(forgery: Any) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        Verifier().verify(forgery())


@pytest.mark.parametrize("field", ["jwk", "x5c"])
def test_a_key_that_the_token_brings_along_is_not_used(field: str) -> None:
    key = another_key()
    brought = jwk_of(key) if field == "jwk" else [base64.b64encode(public(serialization.Encoding.DER)).decode()]
    with pytest.raises(jwt.InvalidTokenError):
        Verifier().verify(forged({field: brought}, key=key))


@pytest.mark.parametrize("sub", [ids.encode("team", USER), str(USER), "usr_", "usr_" + "z" * 26])
def test_a_subject_that_is_no_user_is_refused(sub: str) -> None:
    with pytest.raises(ValueError, match="not a usr_ id"):
        Verifier().verify(forged(sub=sub))


def test_a_changed_claim_breaks_the_signature() -> None:
    head, claims, signature = issue().split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    said["sub"] = ids.encode("usr", SESSION)
    claims = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    with pytest.raises(jwt.InvalidSignatureError):
        Verifier().verify(f"{head}.{claims}.{signature}")


def test_an_access_token_lives_a_quarter_of_an_hour() -> None:
    verifier = Verifier()
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        token = issue()
    with time_machine.travel("2026-01-01T00:14:59Z", tick=False):
        assert verifier.verify(token) == (USER, SESSION)
    with time_machine.travel("2026-01-01T00:15:00Z", tick=False), pytest.raises(jwt.ExpiredSignatureError):
        verifier.verify(token)


def test_the_same_seed_makes_the_same_key_and_another_seed_another() -> None:
    access_tokens._signing_key.cache_clear()
    kid, key = access_tokens._signing_key(SEED)
    access_tokens._signing_key.cache_clear()
    again, same = access_tokens._signing_key(SEED)
    assert (kid, key.private_numbers()) == (again, same.private_numbers())
    assert access_tokens._signing_key(SECOND)[0] != kid
    assert kid == KID


def test_the_kid_is_the_key_s_rfc_7638_thumbprint() -> None:
    # The example of RFC 7638, section 3.1, is RSA: the canonical form is what is checked.
    jwk = {"crv": "P-256", "kty": "EC", "x": "x", "y": "y"}
    digest = hashlib.sha256(b'{"crv":"P-256","kty":"EC","x":"x","y":"y"}').digest()
    assert access_tokens._thumbprint(jwk) == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize("seed", ["xyz", "1"])
def test_a_seed_that_is_not_hex_makes_no_key(seed: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        access_tokens._signing_key(seed)


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


def test_unknown_kids_do_not_make_a_query_each(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    look = access_tokens.verification_keys

    def counted() -> Any:
        calls.append(1)
        return look()

    monkeypatch.setattr(access_tokens, "verification_keys", counted)
    verifier = Verifier()
    for number in range(20):
        with pytest.raises(jwt.InvalidTokenError):
            verifier.verify(forged({"kid": f"guess-{number}"}))
    assert len(calls) == 1


def test_a_verifier_looks_for_keys_also_right_after_the_machine_has_booted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.5)
    assert Verifier().verify(issue()) == (USER, SESSION)


def test_known_keys_are_kept_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise Error("unavailable")

    verifier = Verifier()
    token = issue()
    verifier.verify(token)
    monkeypatch.setattr(access_tokens, "verification_keys", away)
    verifier._loaded -= access_tokens.KEYS_SECONDS + 1
    assert verifier.verify(token) == (USER, SESSION)
    with pytest.raises(Error):
        Verifier().verify(token)


def test_the_application_cannot_write_the_keys_that_it_believes(machine: Machine) -> None:
    with psycopg.connect(machine.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("insert into signing_keys (kid, jwk) values ('mine', '{}')")
