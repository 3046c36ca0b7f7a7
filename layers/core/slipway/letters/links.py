"""Links in letters. The token stands in the fragment, which browsers send to nobody: no access log and no referrer has it.

The page behind the link takes the token from there and POSTs it.
"""

from __future__ import annotations

from urllib.parse import quote

from slipway import settings


def base() -> str:
    """Where the web app lives, without a slash at its end."""
    return (settings.get("SLIPWAY_WEB_URL") or settings.get("SLIPWAY_PUBLIC_URL")).rstrip("/")


def verify_email(token: str) -> str:
    return _link("verify-email", token)


def register(token: str) -> str:
    return _link("register", token)


def reset_password(token: str) -> str:
    return _link("reset-password", token)


def invitation(token: str) -> str:
    return _link("invitations", token)


def _link(page: str, token: str) -> str:
    return f"{base()}/{page}#token={quote(token, safe='')}"
