"""What is counted by the clock: API calls out of the rate limits' buckets, and the bytes that are kept.

Both go through all teams, so the work is done inside of the schema's doors (0009_pre_usage.sql), some rows at a time.
"""

from __future__ import annotations

from uuid import UUID

from slipway import db, log
from slipway.db import sql

BUCKETS = 1000  # a transaction's share: a request whose bucket was taken waits for it
BATCHES = 200  # of one start; the rest waits for the next minute
TEAMS = 500
FIRST = UUID(int=0)
CALLS = sql("select app.meter_calls(%(count)s) as taken")
STORAGE = sql("select app.meter_storage(%(id)s, %(count)s) as last")


def take_calls() -> int:
    """Move the calls that were counted since the last time into the ledger; from how many buckets."""
    taken = 0
    for _ in range(BATCHES):
        with db.for_platform() as tx:
            row = tx.one(CALLS, count=BUCKETS)
        some = row["taken"] if row else 0
        taken += some
        if some < BUCKETS:
            return taken
    log.warning("calls_left_for_the_next_minute", buckets=taken)
    return taken


def weigh_storage() -> int:
    """Count what every team keeps in this hour, once; in how many batches of teams."""
    after: UUID | None = FIRST
    batches = 0
    while after is not None:
        with db.for_platform() as tx:
            row = tx.one(STORAGE, id=after, count=TEAMS)
        after = row["last"] if row else None
        batches += 1
    return batches
