"""Exchange what a provider has sent back for an assertion of who it is.

The assertion is good for a minute and once: for `POST /v1/oidc/sessions`, or for `POST /v1/me/identities`.
"""

from __future__ import annotations

from slipway.capabilities import OIDC_PROVIDERS, SIGNING_KEYS
from slipway.oidc import logins
from slipway.route import route


@route(
    "POST /v1/oidc/{provider}/exchange",
    allow="public",
    uses=(OIDC_PROVIDERS, SIGNING_KEYS),
    timeout=25,  # up to four calls to the provider
    throttle=50,
)
def exchange(provider: str, exchange: logins.Exchange) -> logins.Exchanged:
    return logins.exchange(provider, exchange)
