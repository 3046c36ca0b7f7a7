"""Messages leave after the commit that they announce, and again if that send was lost."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from uuid import UUID

from slipway import db, log
from slipway.capabilities import QUEUE_CAPABILITIES, UndeclaredUse, use
from slipway.db import Message, sql

SENT = sql("select app.outbox_sent(%(ids)s)")
LOST = sql(
    """select id, queue, body, delay_seconds from outbox
        where created_at < now() - make_interval(secs => %(seconds)s)
        order by created_at limit 500 for update skip locked"""
)


def send(messages: Iterable[Message]) -> None:
    """Send and forget the rows. A queue that cannot be reached is no error: the rows stay and the sweeper sends them."""
    sent: list[UUID] = []
    for (queue, delay), group in groupby(
        sorted(messages, key=lambda m: m[1:4:2]), key=lambda m: (m.queue, m.delay_seconds)
    ):
        batch = list(group)
        try:
            use(QUEUE_CAPABILITIES[queue]).send([message.body for message in batch], delay)
        except UndeclaredUse:
            raise
        except Exception:
            log.exception("outbox_send_failed", queue=queue, messages=len(batch))
        else:
            sent.extend(message.id for message in batch)
    if sent:
        try:
            with db.for_platform() as tx:
                tx.run(SENT, ids=sent)
        except Exception:  # what was announced is committed: the sweeper sends again, and the request has succeeded
            log.exception("outbox_delete_failed", messages=len(sent))


def sweep(older_than_seconds: int = 30) -> int:
    """Send again what was not sent; returns how many. Two sweepers share the work."""
    with db.for_platform() as tx:
        lost = [Message(**row) for row in tx.all(LOST, seconds=older_than_seconds)]
        tx.outbox.extend(lost)
    return len(lost)
