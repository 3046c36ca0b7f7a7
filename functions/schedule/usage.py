"""Move the counted API calls into the ledger, and tell of limits that come near."""

from __future__ import annotations

from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.schedule import schedule
from slipway.usage import counters, notices


@schedule("rate(1 minute)", uses=(DATABASE, MAIL_QUEUE))
def usage() -> None:
    counters.take_calls()
    notices.send()
