"""Somebody forgot their password."""

from __future__ import annotations

from slipway.letters.names import plain


def reset_password(name: str, link: str) -> tuple[str, str]:
    """Subject and text."""
    return "Reset your password", (
        f"Hello {plain(name)},\n\n"
        "open this link to choose a new password. It works once, and for a short time only:\n\n"
        f"{link}\n\n"
        "If you did not ask for this, do nothing: your password stays as it is.\n"
    )
