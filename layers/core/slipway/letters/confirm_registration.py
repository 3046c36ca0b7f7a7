"""Somebody registered where a letter must be opened first: the link finishes it."""

from __future__ import annotations

from slipway.letters.names import plain


def confirm_registration(name: str, link: str) -> tuple[str, str]:
    """Subject and text."""
    return "Finish your registration", (
        f"Hello {plain(name)},\n\n"
        "open this link to choose your password and begin; it is good for two days:\n\n"
        f"{link}\n\n"
        "If you did not register, do nothing: without it there is no account.\n"
    )
