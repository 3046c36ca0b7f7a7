"""Somebody wants this address for their account: is it theirs?"""

from __future__ import annotations

from slipway.letters.names import plain


def change_email(name: str, link: str) -> tuple[str, str]:
    """Subject and text; to the new address."""
    return "Confirm your new e-mail address", (
        f"Hello {plain(name)},\n\n"
        "open this link to make this the e-mail address of your account; it is good for two days:\n\n"
        f"{link}\n\n"
        "If you did not ask for this, do nothing: without it no account gets this address.\n"
    )
