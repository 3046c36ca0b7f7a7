"""Access tokens: what is refused, and where the keys come from. How they are changed: test_key_rotation.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID

import jwt
import psycopg
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from slipway import access_tokens, db, ids, tokens
from slipway.access_tokens import Verifier
from slipway.errors import Error

from stacks.local.machine import Machine
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
