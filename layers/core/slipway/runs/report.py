"""What a worker reports of its one attempt: output, life, the result (its files: see artifacts).

The token names the attempt, and a report of an older one is refused (409 stale_attempt), so a run that was given to
another worker has one story.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from slipway import rooms
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.runs.lease import LEASE_SECONDS, give_back
from slipway.runs.run import GET, Result, Run, announce, finish
from slipway.texts import Input

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
ISOLATION_BYTES = 8000
# What is measured is billed: never less than nothing, and at most what the ledger and every JSON reader keep exactly.
Measured = Annotated[int, Field(ge=0, lt=2**53)]


class Chunk(Input):
    """`seq` counts this attempt's chunks from 1; bytes in base64, because output need not be text."""

    seq: int = Field(ge=1)
    stream: Literal["stdout", "stderr", "system"]
    at: datetime
    data_base64: str = Field(max_length=24_000)


class Output(Input):
    attempt: int
    chunks: list[Chunk] = Field(max_length=100)


class Heartbeat(Input):
    attempt: int


class FinalArtifact(Input):
    path: str
    size: int
    sha256: Sha256


def _storable(reason: str | None) -> str | None:
    """Postgres keeps no NUL, and a result must not be lost over a character."""
    return reason.replace("\0", "\ufffd") if reason else reason


def _small(isolation: dict[str, Any]) -> dict[str, Any]:
    """It is part of an event, and an event must fit into a WebSocket message."""
    if len(json.dumps(isolation)) > ISOLATION_BYTES:
        raise ValueError(f"has at most {ISOLATION_BYTES} bytes")
    return isolation


class FinalResult(Input):
    attempt: int
    status: Literal[
        "succeeded", "failed", "timed_out", "memory_exceeded", "output_exceeded", "disk_exceeded", "process_limit",
        "signalled", "cancelled", "never_started", "lost",
    ]  # fmt: skip
    reason: Annotated[str | None, AfterValidator(_storable)] = Field(default=None, max_length=2000)
    exit_code: int | None = None
    signal: Annotated[str, Field(max_length=20)] | int | None = None
    wall_ms: Measured = 0
    cpu_ms: Measured = 0
    peak_memory_bytes: Measured = 0
    output_bytes: Measured = 0
    disk_bytes: Measured = 0
    truncated: bool = False
    isolation: Annotated[dict[str, Any], AfterValidator(_small)] = {}
    language: str | None = None
    language_version: str | None = None
    artifacts: list[FinalArtifact] = []


class Heard(BaseModel):
    """`cancel`: end the run, its user wants it no more."""

    cancel: bool


ACCEPT = sql(
    """update runs r set output_seq = greatest(old.output_seq, %(last)s),
              lease_expires_at = now() + make_interval(secs => %(lease)s),
              status = 'running', started_at = coalesce(old.started_at, now())
         from (select output_seq, status, started_at, id from runs
                where team_id = %(team_id)s and id = %(id)s and attempt = %(attempt)s
                  and status in ('starting', 'running') for update) old
        where r.team_id = %(team_id)s and r.id = old.id
       returning old.output_seq as had, old.status as was, r.cancel_requested_at is not null as cancel"""
)


def output(tx: Transaction, caller: Caller, run_id: UUID, output: Output) -> Heard:
    """Append chunks to the run's room. A repeated report adds nothing: what is known is skipped by its number."""
    fence(caller, output.attempt)
    last = max((chunk.seq for chunk in output.chunks), default=0)
    had, cancel = _accept(tx, caller, run_id, last)
    events: list[tuple[str, dict[str, Any]]] = [
        (
            "run.output",
            {"stream": c.stream, "data_base64": c.data_base64, "at": c.at.isoformat(), "attempt": caller.attempt},
        )
        for seq, c in sorted({c.seq: c for c in output.chunks}.items())
        if seq > had
    ]
    if events:
        rooms.append(tx, caller.team_id, "run", run_id, events)
    return Heard(cancel=cancel)


def heartbeat(tx: Transaction, caller: Caller, run_id: UUID, beat: Heartbeat) -> Heard:
    """Renew the lease."""
    fence(caller, beat.attempt)
    _, cancel = _accept(tx, caller, run_id, 0)
    return Heard(cancel=cancel)


def result(tx: Transaction, caller: Caller, run_id: UUID, final: FinalResult) -> None:
    """End the run, or give it back where the worker lost it through no fault of the program.

    The token dies either way, so a repeated result is refused as stale, which a worker takes for done.
    """
    fence(caller, final.attempt)
    if final.status == "lost":
        give_back(tx, caller.team_id, run_id, caller.attempt, final.reason or "the worker lost it")
        return
    measured = Result(
        **final.model_dump(exclude={"attempt", "status", "reason", "artifacts", "signal"}), signal=_signal(final)
    )
    if finish(tx, caller.team_id, run_id, caller.attempt, final.status, final.reason, measured) is None:
        raise Error("stale_attempt")


def _accept(tx: Transaction, caller: Caller, run_id: UUID, last: int) -> tuple[int, bool]:
    """Renew the lease and take chunks up to `last`; which number was known before, and whether to cancel."""
    row = tx.one(ACCEPT, team_id=caller.team_id, id=run_id, attempt=caller.attempt, last=last, lease=LEASE_SECONDS)
    if row is None:
        raise Error("stale_attempt")
    if row["was"] == "starting":
        announce(tx, Run.model_validate(tx.one(GET, team_id=caller.team_id, id=run_id)), "run.running")
    return row["had"], row["cancel"]


def fence(caller: Caller, attempt: int) -> None:
    if attempt != caller.attempt:
        raise Error("stale_attempt")


def _signal(final: FinalResult) -> str | None:
    import signal

    if isinstance(final.signal, int):
        return signal.Signals(final.signal).name if final.signal in set(signal.Signals) else f"SIG{final.signal}"
    return final.signal
