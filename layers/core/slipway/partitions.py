"""Tables that are cut by month: the coming months are made ahead, those beyond their retention are dropped whole.

Which tables these are the schema says, and how long each is kept `app.kept_months` (schema/migrations/0009_pre_usage.sql).
"""

from __future__ import annotations

from slipway import db
from slipway.db import sql

AHEAD = 2  # months: two missed runs of the schedule a day, for sixty days, before rows go to a table's rest
TURN = sql(
    """select coalesce(sum(app.make_partitions(c.relname::text, %(ahead)s)), 0)::integer as made,
              coalesce(sum(app.drop_partitions(c.relname::text)), 0)::integer as dropped
         from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
        where c.relnamespace = 'public'::regnamespace"""
)


def turn(ahead: int = AHEAD) -> tuple[int, int]:
    """Make the partitions of this and the coming months, drop the old ones; how many were made and dropped."""
    with db.for_platform() as tx:
        row = tx.one(TURN, ahead=ahead)
        return (row["made"], row["dropped"]) if row else (0, 0)
