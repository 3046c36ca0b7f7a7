"""The team's chain of audit events, verified: each hash covers its event and the hash before it.

The walk is one SQL statement a batch (app.walk_audit), which compares with the head of its own snapshot, so writing goes
on meanwhile. What no walk can find, a chain that its owner made again from the first to the last event, shows against a
head that was noted down elsewhere: `AuditCheck.noted`, and the daily log line `audit_head`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from slipway import clock, db, ids, log, metrics
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.texts import Input

BATCH = 10_000
MOST = 200_000  # events that one request walks, some seconds' work
DAYS = 2  # that the daily check looks back: one that is late or fails misses nothing
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TEAMS = 500  # that it asks for at once
BROKEN = "AuditChainBroken"  # the metric that an alarm watches


class AuditHead(Input):
    """The end of a team's chain: the last event's number (0: none yet) and its hash in hex. Keep it somewhere else."""

    seq: int = Field(ge=0, lt=2**63)
    hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class AuditCheck(Input):
    """`noted`: a head from earlier, which the chain must still contain. `since`: walk only what came after this head,
    such as `reached` of the answer before."""

    noted: AuditHead | None = None
    since: AuditHead | None = None


class AuditResult(BaseModel):
    """`first_broken_seq` is the first number whose event is missing, doubled, changed or contradicts a head.

    `complete` false: nothing is broken up to `reached`, and there is more: ask again with it as `since`.
    """

    verified: bool
    complete: bool
    events: int
    first_broken_seq: int | None
    reached: AuditHead
    head: AuditHead


WALK = sql("select * from app.walk_audit(%(team_id)s, %(after_seq)s, %(hash)s, %(count)s)")
HEAD = sql(
    """select coalesce(h.seq, 0) as seq, coalesce(h.hash, app.audit_genesis(%(team_id)s)) as hash
         from (select 1) as one left join audit_heads h on h.team_id = %(team_id)s"""
)
GENESIS = sql("select app.audit_genesis(%(team_id)s) as hash")
FIRST_SINCE = sql(
    """select seq - 1 as seq, previous as hash from audit_events
        where team_id = %(team_id)s and at >= %(start_at)s order by seq limit 1"""
)
LAST = sql("select seq, hash from audit_events where team_id = %(team_id)s order by seq desc limit 1")
CHANGED = sql("select app.audited_teams(%(start_at)s, %(after_id)s, %(limit)s) as team_id")


def head(tx: Transaction, caller: Caller) -> AuditHead:
    return _head(tx.one(HEAD, team_id=caller.team_id))


def verify(tx: Transaction, caller: Caller, check: AuditCheck) -> AuditResult:
    """From the first event, or from `check.since`, to the head; at most MOST events."""
    return walk(tx, caller.team_id, check, MOST)


def walk(tx: Transaction, team_id: UUID, check: AuditCheck, most: int) -> AuditResult:
    """In batches, one of which ends where the noted head is."""
    reached = check.since or _head(tx.one(GENESIS, team_id=team_id))
    events, noted = 0, check.noted
    while True:
        count = min(BATCH, most - events)
        if noted and reached.seq < noted.seq:
            count = min(count, noted.seq - reached.seq)
        hash = bytes.fromhex(reached.hash)
        row = tx.one(WALK, team_id=team_id, after_seq=reached.seq, hash=hash, count=count) or {}
        last, broken = AuditHead(seq=row["head_seq"], hash=row["head_hash"].hex()), row["broken_seq"]
        events += row["events"]
        if broken is None:
            reached = AuditHead(seq=reached.seq + row["events"], hash=row["hash"].hex())
            broken = _contradicted(reached, last, noted)
        complete = reached.seq >= last.seq
        if broken is not None or complete or events >= most:
            return AuditResult(
                verified=broken is None,
                complete=complete or broken is not None,
                events=events,
                first_broken_seq=broken,
                reached=reached,
                head=last,
            )


def _contradicted(reached: AuditHead, last: AuditHead, noted: AuditHead | None) -> int | None:
    """The number at which the chain is not what was noted."""
    if noted and noted.seq > last.seq:
        return last.seq + 1 if reached.seq == last.seq else None
    return noted.seq if noted and noted.seq == reached.seq and noted.hash != reached.hash else None


def check_all() -> None:
    """Every team that has changed in the last DAYS: walk these days, and write the head to the log, where the database's
    owner cannot change it. A broken chain is the line `audit_chain_broken` and the metric BROKEN."""
    for team_id, result in walked(clock.now() - timedelta(days=DAYS)):
        team = ids.encode("team", team_id)
        if not result.verified:
            log.warning("audit_chain_broken", team_id=team, first_broken_seq=result.first_broken_seq)
            metrics.count(BROKEN, team_id=team)
        log.info("audit_head", team_id=team, seq=result.head.seq, hash=result.head.hash, verified=result.verified)


def walked(start: datetime | None = None) -> Iterator[tuple[UUID, AuditResult]]:
    """Each team's chain in the order of the teams' ids; from `start` on those that have changed since, or all of it."""
    for team_id in _changed(start or LONG_AGO):
        with db.for_team(team_id) as tx:
            since = _since(tx, team_id, start) if start else None
            result = walk(tx, team_id, AuditCheck(since=since), most=2**62)
        yield team_id, result


def _changed(start: datetime) -> Iterator[UUID]:
    """A page at a time."""
    after: UUID | None = None
    while True:
        with db.for_platform() as tx:
            found = [row["team_id"] for row in tx.all(CHANGED, start_at=start, after_id=after, limit=TEAMS)]
        yield from found
        if len(found) < TEAMS:
            return
        after = found[-1]


def _since(tx: Transaction, team_id: UUID, start: datetime) -> AuditHead:
    """What the first event since then follows; where there is none, the last event, and where there is none either, the
    beginning: against the head, both show that something was taken away."""
    for statement, given in ((FIRST_SINCE, {"start_at": start}), (LAST, {}), (GENESIS, {})):
        row = tx.one(statement, team_id=team_id, **given)
        if row:
            return _head(row)
    raise AssertionError("unreachable")


def _head(row: Row | None) -> AuditHead:
    known = row or {}
    return AuditHead(seq=known.get("seq", 0), hash=known["hash"].hex())
