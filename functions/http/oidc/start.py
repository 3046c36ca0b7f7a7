"""Begin to log in with an identity provider.

Make a random value of 43 characters or more, keep it to yourself, and send the SHA-256 of it as `binding_hash`. Send
the browser to `authorization_url`; when it is back at `redirect_uri`, compare its `state` with the one of this answer.
"""

from __future__ import annotations

from slipway.capabilities import OIDC_PROVIDERS, SIGNING_KEYS
from slipway.oidc import logins
from slipway.route import route


@route(
    "POST /v1/oidc/{provider}/start",
    allow="public",
    uses=(OIDC_PROVIDERS, SIGNING_KEYS),
    timeout=15,  # the provider's discovery document
    throttle=50,
)
def start(provider: str, start: logins.Start) -> logins.Started:
    return logins.start(provider, start)
