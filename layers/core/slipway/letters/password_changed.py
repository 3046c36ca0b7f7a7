"""A password was changed: the owner of the account hears of it in any case."""

from __future__ import annotations

from datetime import datetime

from slipway.letters.names import plain
from slipway.letters.times import moment


def password_changed(name: str, when: datetime) -> tuple[str, str]:
    """Subject and text."""
    return "Your password was changed", (
        f"Hello {plain(name)},\n\n"
        f"the password of your account was changed on {moment(when)}.\n\n"
        "If that was not you, reset it now from the login page: that ends every session of the account.\n"
    )
