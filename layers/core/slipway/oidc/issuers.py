"""What a provider says about itself: its discovery document and its keys, kept for an hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway import clock
from slipway.oidc import outgoing
from slipway.oidc.outgoing import Unreachable
from slipway.oidc.providers import Provider, secure

if TYPE_CHECKING:
    from joserfc.jwk import Key, KeySet

KEPT = timedelta(hours=1)
RETRY = timedelta(seconds=10)  # a token with an unknown kid makes us look again, at most this often
KEY_TYPES = ("RSA", "EC", "OKP")  # never "oct": a shared key in a public document is nobody's


@dataclass(slots=True)
class Issuer:
    """One provider's endpoints. `methods` and `algorithms` are what it supports: client authentication, signatures."""

    provider: Provider
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    methods: tuple[str, ...]
    algorithms: tuple[str, ...]
    names_itself: bool  # in its redirects: RFC 9207
    read_at: datetime
    _keys: KeySet | None = None
    _keys_read_at: datetime = field(default=datetime.min.replace(tzinfo=clock.now().tzinfo))

    def keys(self, kid: str | None) -> KeySet:
        """Its keys, read again when they are old or do not have this one. Raises Unreachable."""
        age = clock.now() - self._keys_read_at
        known = self._keys is not None and (kid is None or any(key.kid == kid for key in self._keys))
        if self._keys is None or age > KEPT or (not known and age > RETRY):
            self._keys = _key_set(outgoing.document(self.jwks_uri))
            self._keys_read_at = clock.now()
        return self._keys


_read: dict[Provider, Issuer] = {}


def find(provider: Provider) -> Issuer:
    """Raises Unreachable, also when what the provider says about itself cannot be used."""
    found = _read.get(provider)
    if found is None or clock.now() - found.read_at > KEPT:
        said = outgoing.document(provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
        found = _read[provider] = _issuer(provider, said)
    return found


def forget() -> None:
    """Read everything again."""
    _read.clear()


def _issuer(provider: Provider, said: dict[str, Any]) -> Issuer:
    if said.get("issuer") != provider.issuer:
        raise Unreachable(f"the discovery document of {provider.issuer} is about another issuer")

    def endpoint(name: str, required: bool = True) -> str:
        url = said.get(name)
        if url is None and not required:
            return ""
        try:
            return secure(str(url), loopback=provider.on_this_machine)
        except ValueError as error:
            raise Unreachable(f"{provider.issuer}: {name} {error}") from None

    return Issuer(
        provider=provider,
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint", required=False),
        methods=_texts(said, "token_endpoint_auth_methods_supported", "client_secret_basic"),
        algorithms=_texts(said, "id_token_signing_alg_values_supported", "RS256"),
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        read_at=clock.now(),
    )


def _texts(said: dict[str, Any], name: str, default: str) -> tuple[str, ...]:
    """A list of the document; the specification's own default where it is absent."""
    found = said.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else (default,)


def _key_set(said: dict[str, Any]) -> KeySet:
    """Its usable public signature keys: what is not understood is left out, as RFC 7517 asks."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, import_key

    found: list[Key] = []
    listed = said.get("keys")
    for jwk in listed if isinstance(listed, list) else ():
        if isinstance(jwk, dict) and jwk.get("kty") in KEY_TYPES and jwk.get("use", "sig") == "sig":
            try:
                found.append(import_key(jwk))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    return KeySet(found)
