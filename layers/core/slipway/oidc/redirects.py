"""Where a provider may send a browser back to: our web app, or a program on the person's own machine (RFC 8252)."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from slipway.letters import links
from slipway.oidc.providers import LOOPBACK

PAGE = "/oidc/callback"


def web_app() -> str:
    """The page of our web app."""
    return links.base() + PAGE


def allowed(uri: str) -> bool:
    """The web app's page exactly, or http on a loopback address: any port and path, nothing else in it."""
    if uri == web_app():
        return True
    try:
        parts = urlsplit(uri)
        plain = parts._replace(path="").geturl() == f"http://{parts.netloc}"  # no query, no fragment
        return plain and parts.hostname in LOOPBACK and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _check(uri: str) -> str:
    if not allowed(uri):
        detail = "must be {page}, or http://127.0.0.1 with any port and path"
        raise PydanticCustomError("redirect_uri", detail, {"page": web_app()})
    return uri


RedirectUri = Annotated[
    str, StringConstraints(max_length=300, pattern=r"^[A-Za-z0-9._~:/\[\]%-]+$"), AfterValidator(_check)
]
