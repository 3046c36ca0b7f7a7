"""What carries a login from step to step while no row does: two short-lived tokens that we sign for ourselves.

A `state` goes to the provider and back through the browser; an `assertion` from the function that has talked to the
provider to the one that has the database. Each is signed with a key of its own, made from the signing seed, so that
neither passes for the other or for an access token. PKCE's verifier and the nonce are made from the seed and the
state's id: whoever holds the state cannot know the verifier (docs/decisions/0010-oidc-in-three-steps.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from slipway import ids
from slipway.capabilities import SIGNING_KEYS, use
from slipway.errors import Error

ISSUER = "slipway"
STATE_SECONDS = 600
ASSERTION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class State:
    """A login that has begun. `token` is what the provider gives back; `verifier` and `nonce` never are a part of it."""

    token: str
    id: UUID
    provider: str
    redirect_uri: str
    binding_hash: str
    verifier: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A provider has said who somebody is. `id` is the login's, and good once."""

    id: UUID
    provider: str
    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


def begin(provider: str, redirect_uri: str, binding_hash: str) -> State:
    """A new login, which must be finished within `STATE_SECONDS`."""
    seed, id = use(SIGNING_KEYS).seeds()[0], ids.new()
    claims = {"jti": str(id), "prv": provider, "red": redirect_uri, "bnd": binding_hash}
    return _state(seed, _sign(seed, "state", STATE_SECONDS, claims), claims)


def resume(token: str, provider: str, binding: str) -> State:
    """The login that this state is of; raises invalid_state unless it was begun here, for this provider and by whoever
    knows `binding`, and not long ago."""
    seed, claims = _read("state", token, "invalid_state")
    state = _state(seed, token, claims)
    if state.provider != provider or not hmac.compare_digest(hashed(binding), state.binding_hash):
        raise Error("invalid_state")
    return state


def hashed(binding: str) -> str:
    """What the start is told of a binding: its SHA-256, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(binding.encode()).digest()).decode().rstrip("=")


def vouch(assertion: Assertion) -> str:
    """The assertion as a token, good for `ASSERTION_SECONDS`."""
    claims = {
        "jti": str(assertion.id),
        "prv": assertion.provider,
        "idp": assertion.issuer,
        "sub": assertion.subject,
        "email": assertion.email,
        "email_verified": assertion.email_verified,
        "name": assertion.name,
    }
    return _sign(use(SIGNING_KEYS).seeds()[0], "assertion", ASSERTION_SECONDS, claims)


def read_assertion(token: str) -> Assertion:
    """Raises invalid_assertion. Whether it was used before, the database knows."""
    _, claims = _read("assertion", token, "invalid_assertion")
    return Assertion(
        id=UUID(claims["jti"]),
        provider=claims["prv"],
        issuer=claims["idp"],
        subject=claims["sub"],
        email=claims["email"],
        email_verified=claims["email_verified"],
        name=claims["name"],
    )


def _state(seed: str, token: str, claims: dict[str, Any]) -> State:
    return State(
        token=token,
        id=UUID(claims["jti"]),
        provider=claims["prv"],
        redirect_uri=claims["red"],
        binding_hash=claims["bnd"],
        verifier=_derived(seed, f"pkce verifier {claims['jti']}"),
        nonce=_derived(seed, f"nonce {claims['jti']}"),
    )


def _derived(seed: str, purpose: str) -> str:
    """256 bits that only a holder of the seed can make: 43 characters of base64url."""
    return base64.urlsafe_b64encode(_key(seed, purpose)).decode().rstrip("=")


def _key(seed: str, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=32, salt=None, info=f"slipway oidc {purpose}".encode()).derive(bytes.fromhex(seed))


def _sign(seed: str, kind: str, seconds: int, claims: dict[str, Any]) -> str:
    now = int(time.time())
    own = {"iss": ISSUER, "aud": f"{ISSUER}:oidc:{kind}", "iat": now, "exp": now + seconds}
    return jwt.encode({**claims, **own}, _key(seed, kind), algorithm="HS256", headers={"typ": f"oidc-{kind}+jwt"})


def _read(kind: str, token: str, code: str) -> tuple[str, dict[str, Any]]:
    """The seed that has signed, and the claims; raises the code. An older seed's tokens outlive a rotation."""
    cause = "no seed"
    options: Any = {"require": ["jti", "exp", "iat", "aud", "iss"]}
    for seed in use(SIGNING_KEYS).seeds():
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != f"oidc-{kind}+jwt" or "crit" in header:
                raise jwt.InvalidTokenError("another type")
            audience, key = f"{ISSUER}:oidc:{kind}", _key(seed, kind)
            return seed, jwt.decode(token, key, ["HS256"], options, audience=audience, issuer=ISSUER)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            cause = type(error).__name__
    raise Error(code, cause=cause)
