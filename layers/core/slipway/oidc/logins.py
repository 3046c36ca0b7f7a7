"""The two steps of a login that talk with a provider, in functions that cannot reach the database.

    start     where the browser is to go, and what it must bring back
    exchange  what it has brought back, for an assertion of who it is

The third step, which has the database, is entry.py's.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from slipway.errors import Error
from slipway.oidc import issuers, outgoing, providers, tickets
from slipway.oidc.issuers import Issuer
from slipway.oidc.outgoing import Unreachable
from slipway.oidc.providers import Provider
from slipway.oidc.redirects import RedirectUri
from slipway.oidc.tickets import Assertion, State
from slipway.texts import Input

SCOPE = "openid email profile"
Binding = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]
BindingHash = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Start(Input):
    """`binding_hash` is the SHA-256, in base64url without padding, of a random value that the client keeps to itself."""

    redirect_uri: RedirectUri
    binding_hash: BindingHash


class Started(BaseModel):
    """Send the browser to `authorization_url`, and compare `state` with the one that it comes back with."""

    authorization_url: str
    state: str
    expires_in: int = tickets.STATE_SECONDS


class Exchange(Input):
    """`code`, `state` and, where the provider sends it, `iss` are the callback's; `binding` is the value behind the hash."""

    code: Text
    state: Text
    binding: Binding
    iss: Annotated[str | None, Field(max_length=1000)] = None


class Exchanged(BaseModel):
    """Good once, for logging in or for linking the identity to an account that is logged in."""

    assertion: str
    expires_in: int = tickets.ASSERTION_SECONDS


def start(id: str, start: Start) -> Started:
    """Raises not_found for an unknown provider, provider_unavailable."""
    from authlib.oauth2.client import OAuth2Client

    provider = providers.find(id)
    issuer = _issuer(provider)
    state = tickets.begin(provider.id, start.redirect_uri, start.binding_hash)
    client = OAuth2Client(None, provider.client_id, scope=SCOPE, code_challenge_method="S256")
    url, _ = client.create_authorization_url(
        issuer.authorization_endpoint,
        state.token,
        state.verifier,
        redirect_uri=state.redirect_uri,
        nonce=state.nonce,
    )
    return Started(authorization_url=url, state=state.token)


def exchange(id: str, exchange: Exchange) -> Exchanged:
    """Raises not_found, invalid_state, provider_unavailable, and login_refused when the provider does not vouch for it."""
    provider = providers.find(id)
    state = tickets.resume(exchange.state, provider.id, exchange.binding)
    issuer = _issuer(provider)
    if (exchange.iss is None and issuer.names_itself) or exchange.iss not in (None, provider.issuer):
        raise Error("login_refused", "The answer is another provider's.")
    try:
        assertion = _assertion(issuer, state, exchange.code)
    except Unreachable as error:
        raise _unavailable(provider, error) from None
    return Exchanged(assertion=tickets.vouch(assertion))


def _issuer(provider: Provider) -> Issuer:
    try:
        return issuers.find(provider)
    except Unreachable as error:
        raise _unavailable(provider, error) from None


def _unavailable(provider: Provider, error: Unreachable) -> Error:
    return Error("provider_unavailable", f"{provider.name} does not answer as it should: try later.", cause=str(error))


def _assertion(issuer: Issuer, state: State, code: str) -> Assertion:
    from slipway.oidc import id_tokens

    provider = issuer.provider
    tokens = _tokens(issuer, state, code)
    try:
        id_token, access_token = str(tokens.get("id_token", "")), str(tokens.get("access_token", ""))
        claims = id_tokens.verify(issuer, id_token, state.nonce, access_token)
        if "email" not in claims and issuer.userinfo_endpoint and access_token:
            claims |= _user_info(issuer, access_token, claims["sub"])
        person = id_tokens.person(claims)
    except id_tokens.Refused as error:
        raise Error("login_refused", cause=str(error)) from None
    return Assertion(id=state.id, provider=provider.id, issuer=provider.issuer, **person._asdict())


def _tokens(issuer: Issuer, state: State, code: str) -> dict[str, Any]:
    """The token endpoint's answer; raises login_refused when it does not take the code."""
    from authlib.oauth2.base import OAuth2Error
    from authlib.oauth2.client import OAuth2Client

    provider, method = issuer.provider, "none"
    if provider.client_secret:
        method = "client_secret_basic" if "client_secret_basic" in issuer.methods else "client_secret_post"
    client = OAuth2Client(outgoing.Session(), provider.client_id, provider.client_secret, method)
    try:
        answer = client.fetch_token(
            issuer.token_endpoint,
            grant_type="authorization_code",
            code=code,
            redirect_uri=state.redirect_uri,
            code_verifier=state.verifier,
        )
    except OAuth2Error as error:
        raise Error("login_refused", cause=f"{provider.id}: {error.error}: {error.description}") from None
    except (ValueError, TypeError) as error:
        raise Unreachable(f"{issuer.token_endpoint}: {error}") from None
    return dict(answer)


def _user_info(issuer: Issuer, access_token: str, subject: str) -> dict[str, Any]:
    """Address and name, of a provider that keeps them out of its ID tokens."""
    said = outgoing.document(issuer.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})
    if said.get("sub") != subject:  # OpenID Connect Core 5.3.2: it may be about somebody else
        return {}
    return {name: said[name] for name in ("email", "email_verified", "name", "preferred_username") if name in said}
