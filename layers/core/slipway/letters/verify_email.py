"""Somebody registered: is this address theirs?"""

from __future__ import annotations

from slipway.letters.names import plain


def verify_email(name: str, link: str) -> tuple[str, str]:
    """Subject and text."""
    return "Verify your e-mail address", (
        f"Hello {plain(name)},\n\n"
        "open this link to verify your e-mail address:\n\n"
        f"{link}\n\n"
        "If you did not register, do nothing: without it the address stays unverified.\n"
    )
