"""Send letters to people by e-mail."""

from __future__ import annotations

from slipway import catalogue, mail
from slipway.capabilities import MAIL, use
from slipway.queue import queue


@queue(catalogue.MAIL, uses=(MAIL,), concurrency=2, timeout=30)
def mail_(message: mail.Letter) -> None:
    mail.deliver(use(MAIL), message)
