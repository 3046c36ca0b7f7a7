"""An account is gone."""

from __future__ import annotations

from slipway.letters.names import plain


def account_deleted(name: str) -> tuple[str, str]:
    """Subject and text."""
    return "Your account was deleted", (
        f"Hello {plain(name)},\n\n"
        "your account was deleted, as asked. This is the last letter to this address.\n\n"
        "If you did not ask for this, write to whoever runs this platform.\n"
    )
