"""Access tokens: JWTs (ES256, `kid`), signed by few and verified by every authorizer with the public keys alone.

A signing key is made from a 32-byte seed, so that a plain generated secret is all that a deployment must keep
(docs/decisions/0003-signing-seeds.md).

To rotate: put a new seed before the old one and publish (a deploy, or a start of the machine). The new key is shown
to verifiers at once and signs `KEYS_SECONDS` later, when none of them still believes in the old list. Then, at any time, take
the old seed away and publish: its key verifies until the last token that it signed has expired.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
from pydantic import BaseModel

from slipway import db, ids
from slipway.capabilities import SIGNING_KEYS, use
from slipway.db import Transaction, sql
from slipway.errors import Error

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALGORITHM = "ES256"
ISSUER = "slipway"
AUDIENCE = "slipway:api"
TYPE = "at+jwt"
ACCESS_SECONDS = 15 * 60
KEYS_SECONDS = 300  # a verifier keeps its list of keys for so long
RETRY_SECONDS = 10
LINGER_SECONDS = ACCESS_SECONDS + KEYS_SECONDS  # a process may sign with the old seed a little longer than it is there

VERIFICATION_KEYS = sql("select kid, jwk from signing_keys where retired_at is null or retired_at > now()")
SIGNERS = sql(
    """select kid, created_at < now() - make_interval(secs => %(seconds)s) as settled from signing_keys
        where kid = any(%(kids)s) order by created_at"""
)
PUBLISH = sql(
    """insert into signing_keys as k (kid, jwk) values (%(kid)s, %(jwk)s)
       on conflict (kid) do update
          set retired_at = null, created_at = case when k.retired_at < now() then now() else k.created_at end
        where k.retired_at is not null"""
)
RETIRE = sql(
    """update signing_keys set retired_at = least(retired_at, now() + make_interval(secs => %(seconds)s))
        where kid <> all (%(kids)s)"""
)


@cache
def _signing_key(seed: str) -> tuple[str, EllipticCurvePrivateKey]:
    """FIPS 186-5 A.2.1: 320 bits from HKDF, reduced into [1, n-1]. The kid is the key's RFC 7638 thumbprint."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    bits = HKDF(SHA256(), length=40, salt=None, info=b"slipway es256 signing key").derive(bytes.fromhex(seed))
    key = ec.derive_private_key(int.from_bytes(bits) % (order - 1) + 1, ec.SECP256R1())
    return _thumbprint(_jwk(key)), key


def _jwk(key: EllipticCurvePrivateKey) -> dict[str, str]:
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: jwk[name] for name in ("crv", "kty", "x", "y")}


def _thumbprint(jwk: dict[str, str]) -> str:
    canonical = json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode().rstrip("=")


class Signer:
    """Chooses the seed that signs, and stays with it for `KEYS_SECONDS`."""

    def __init__(self) -> None:
        self._seeds: tuple[str, ...] = ()
        self._seed = ""
        self._chosen = -math.inf

    def seed(self, tx: Transaction) -> str:
        """The first whose key every verifier knows; while there is none, the one that was published first."""
        seeds = tuple(use(SIGNING_KEYS).seeds())
        if seeds != self._seeds or time.monotonic() - self._chosen > KEYS_SECONDS:
            self._seed, self._seeds, self._chosen = _settled(tx, seeds), seeds, time.monotonic()
        return self._seed


def _settled(tx: Transaction, seeds: tuple[str, ...]) -> str:
    if len(seeds) == 1:
        return seeds[0]
    by_kid = {_signing_key(seed)[0]: seed for seed in seeds}
    rows = tx.all(SIGNERS, kids=[*by_kid], seconds=KEYS_SECONDS)
    settled = {row["kid"] for row in rows if row["settled"]}
    oldest = [row["kid"] for row in rows] or [*by_kid]
    return by_kid[next((kid for kid in by_kid if kid in settled), oldest[0])]


_signer = Signer()


def issue(tx: Transaction, user_id: UUID, session_id: UUID) -> str:
    """An access token for `ACCESS_SECONDS`. The transaction is only asked which key is to sign."""
    kid, key = _signing_key(_signer.seed(tx))
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": ids.encode("usr", user_id),
        "sid": ids.encode("ses", session_id),
        "iat": now,
        "exp": now + ACCESS_SECONDS,
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": TYPE})


def verification_keys() -> dict[str, dict[str, Any]]:
    """JWK by kid, of every key that is accepted."""
    with db.for_platform() as tx:
        return {row["kid"]: row["jwk"] for row in tx.all(VERIFICATION_KEYS)}


class Keys(BaseModel):
    """A JSON Web Key Set (RFC 7517): every key that is accepted, the next one and the last one included."""

    keys: list[dict[str, Any]]


def key_set(tx: Transaction) -> Keys:
    rows = tx.all(VERIFICATION_KEYS)
    return Keys(keys=[{**row["jwk"], "kid": row["kid"], "alg": ALGORITHM, "use": "sig"} for row in rows])


def publish(connection: Any, linger_seconds: int = LINGER_SECONDS) -> None:
    """Write the public halves of the current seeds for the verifiers; part of a deploy, as the schema's owner.

    Keys whose seed is gone are accepted for `linger_seconds` more: 0 when it has leaked, which ends every token it signed.
    """
    keys = dict(_signing_key(seed) for seed in use(SIGNING_KEYS).seeds())
    for kid, key in keys.items():
        connection.execute(PUBLISH, {"kid": kid, "jwk": json.dumps(_jwk(key))})
    connection.execute(RETIRE, {"kids": list(keys), "seconds": linger_seconds})


class Verifier:
    """Checks access tokens with keys that it keeps for `KEYS_SECONDS`; an unknown kid makes it look again, at most every
    ten seconds. Known keys outlive a database that is away."""

    def __init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self._loaded = -math.inf  # the monotonic clock may begin at 0 with the machine

    def verify(self, token: str) -> tuple[UUID, UUID]:
        """User and session. Raises jwt.InvalidTokenError: one algorithm, one type, one audience, a known kid, an expiry."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or "crit" in header:
            raise jwt.InvalidTokenError("not an access token")
        key = self._key(str(header.get("kid", "")))
        options: Any = {"require": ["exp", "iat", "sub", "sid", "aud", "iss"]}
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=options)
        return ids.decode("usr", claims["sub"]), ids.decode("ses", claims["sid"])

    def _key(self, kid: str) -> Any:
        age = time.monotonic() - self._loaded
        if age > KEYS_SECONDS or (kid not in self._keys and age > RETRY_SECONDS):
            self._load(kid)
        if kid not in self._keys:
            raise jwt.InvalidTokenError("unknown key")
        return self._keys[kid]

    def _load(self, kid: str) -> None:
        try:
            found = verification_keys()
        except Error:
            if kid not in self._keys:
                raise
            self._loaded = time.monotonic() - KEYS_SECONDS + RETRY_SECONDS
            return
        self._keys = {name: jwt.PyJWK.from_dict({**jwk, "alg": ALGORITHM}) for name, jwk in found.items()}
        self._loaded = time.monotonic()
