"""ID tokens: what a provider has signed about who has logged in. Authlib checks them, by rules that are ours.

The signature is asymmetric and by a key of the provider's, the audience is us, the nonce is this login's.
"""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from pydantic import TypeAdapter, ValidationError

from slipway.oidc.issuers import Issuer
from slipway.texts import Email

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
LEEWAY_SECONDS = 30
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class Refused(ValueError):
    """It is not what a provider should have signed for this login; the text is for the log."""


class Person(NamedTuple):
    """Who it is there: `subject` for good, the rest as of now. `email` "" when it says none that could be one."""

    subject: str
    email: str
    email_verified: bool
    name: str


def verify(issuer: Issuer, id_token: str, nonce: str, access_token: str) -> dict[str, Any]:
    """The claims; raises Refused, or Unreachable when the keys cannot be read."""
    provider = issuer.provider
    algorithms = sorted(ALGORITHMS & set(issuer.algorithms))
    if not algorithms:
        raise Refused(f"{provider.id} signs with nothing that is accepted: {', '.join(issuer.algorithms)}")
    try:
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
        registry = jws.JWSRegistry(algorithms=algorithms)
        token = jwt.decode(id_token, issuer.keys(kid if isinstance(kid, str) else None), registry=registry)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            {"nonce": nonce, "client_id": provider.client_id, "access_token": access_token},
        )
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused(f"{provider.id}: {type(error).__name__}: {error}") from None
    return dict(claims)


def person(claims: dict[str, Any]) -> Person:
    """Raises Refused for a subject that the specification forbids."""
    subject = claims["sub"]
    if not 0 < len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise Refused("a subject is 1 to 255 printable ASCII characters")
    try:
        email = _EMAIL.validate_python(claims.get("email"))
    except ValidationError:
        email = ""
    said = claims.get("email_verified")
    verified = bool(email) and (said is True or said == "true")  # some write the word
    return Person(subject, email, verified, _name(claims, email))


def _name(claims: dict[str, Any], email: str) -> str:
    """One line of at most 100 characters, as names are here."""
    for given in (claims.get("name"), claims.get("preferred_username"), email.partition("@")[0]):
        if isinstance(given, str):
            visible = "".join(c for c in given if unicodedata.category(c) not in ("Cc", "Cs"))[:100].strip()
            if visible:
                return visible
    return "Somebody"
