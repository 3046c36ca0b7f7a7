"""Somebody registered with an address that has an account. Only its owner learns so, never who tried."""

from __future__ import annotations

from slipway.letters.names import plain


def email_taken(name: str) -> tuple[str, str]:
    """Subject and text."""
    return "You already have an account", (
        f"Hello {plain(name)},\n\n"
        "somebody, perhaps you, tried to register with this e-mail address. It already has an account, so nothing "
        "was changed.\n\n"
        "If that was you, log in, or reset your password from the login page. If not, do nothing.\n"
    )
