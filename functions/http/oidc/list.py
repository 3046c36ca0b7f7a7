"""List the identity providers that one may log in with."""

from __future__ import annotations

from slipway.capabilities import OIDC_PROVIDERS
from slipway.oidc import providers
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/oidc", allow="public", uses=(OIDC_PROVIDERS,))
def list() -> Page[providers.PublicProvider]:
    return providers.list()
