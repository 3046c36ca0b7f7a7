"""An account has another address now: the old one hears of it, and not which."""

from __future__ import annotations

from datetime import datetime

from slipway.letters.names import plain
from slipway.letters.times import moment


def email_changed(name: str, when: datetime) -> tuple[str, str]:
    """Subject and text; to the old address."""
    return "Your e-mail address was changed", (
        f"Hello {plain(name)},\n\n"
        f"on {moment(when)} your account got another e-mail address, which its owner has confirmed. This one is no "
        "longer used.\n\n"
        "If that was not you, write to whoever runs this platform.\n"
    )
