"""An account has a new way to log in: its owner hears of it in any case."""

from __future__ import annotations

from datetime import datetime

from slipway.letters.names import plain
from slipway.letters.times import moment


def identity_linked(name: str, provider: str, when: datetime) -> tuple[str, str]:
    """Subject and text."""
    return "A new way to log in to your account", (
        f"Hello {plain(name)},\n\n"
        f"since {moment(when)} your account can be entered with a login at “{plain(provider)}”.\n\n"
        "If that was not you, remove it in the settings of your account and reset your password.\n"
    )
