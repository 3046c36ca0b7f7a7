"""The OpenID Connect providers that people may log in with: a setting, whose secrets come from a secret on AWS."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from slipway import settings
from slipway.capabilities import OIDC_PROVIDERS, use
from slipway.errors import Error
from slipway.reply import Page

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadProviders(ValueError):
    """SLIPWAY_OIDC cannot be read."""


class SettingProviders:
    """The capability, on AWS and on one machine alike."""

    def configured(self) -> str:
        return settings.get("SLIPWAY_OIDC")


def secure(url: str, loopback: bool = True) -> str:
    """The URL, where what is said to it stays a secret: https, or this machine itself if `loopback`. Raises ValueError."""
    parts = urlsplit(url)
    plain = loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (plain or parts.scheme == "https") or not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError("must be an https URL without user and fragment")
    if not url.isprintable() or " " in url or parts.port == 0:  # the port's digits are read here, or raise
        raise ValueError("must be a URL")
    return url


def _issuer(url: str) -> str:
    if urlsplit(secure(url)).query:
        raise ValueError("must have no query")
    return url


class Provider(BaseModel):
    """`issuer` exactly as its discovery document says it, a slash at the end included. No secret: a public client."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    name: Annotated[str, Field(min_length=1, max_length=60)]
    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: str = ""

    @property
    def on_this_machine(self) -> bool:
        """Whether its endpoints may be plain http as well: a test's issuer, or one in development."""
        return self.issuer.startswith("http://")


class PublicProvider(BaseModel):
    """A way to log in, for a button with its `name`."""

    id: str
    name: str


def list() -> Page[PublicProvider]:
    """In the order of the settings."""
    return Page(data=[PublicProvider(id=p.id, name=p.name) for p in configured()], has_more=False)


def find(id: str) -> Provider:
    """Raises not_found."""
    for provider in configured():
        if provider.id == id:
            return provider
    raise Error("not_found", "There is no such provider: GET /v1/oidc lists them.")


def configured() -> tuple[Provider, ...]:
    """Raises BadProviders."""
    return _read(use(OIDC_PROVIDERS).configured())


@lru_cache(1)
def _read(text: str) -> tuple[Provider, ...]:
    if not text.strip():
        return ()
    try:
        found = TypeAdapter(tuple[Provider, ...]).validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)[0]  # never the secrets
        place = "/".join(str(part) for part in wrong["loc"])
        raise BadProviders(f"SLIPWAY_OIDC at {place or 'its start'}: {wrong['msg']}") from None
    if len({provider.id for provider in found}) < len(found):
        raise BadProviders("SLIPWAY_OIDC has two providers with one id")
    return found
