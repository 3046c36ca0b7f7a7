"""Answer what strangers ask about an address, by a letter to its owner."""

from __future__ import annotations

from slipway import catalogue, inquiries
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.queue import queue


@queue(catalogue.INQUIRIES, uses=(DATABASE, MAIL_QUEUE), concurrency=2, timeout=30)
def inquiries_(message: inquiries.Inquiry) -> None:
    inquiries.answer(message)
