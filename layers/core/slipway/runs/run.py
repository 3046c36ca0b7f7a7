"""Runs: a project's tree, executed once in a sandbox. Created, read, cancelled here; see dispatch, report, reconcile.

queued ──dispatch──► starting ──worker took it──► running ──result──► succeeded | failed | timed_out | …
  ▲                     │                            │
  └──── lease lost, fewer than three attempts ───────┴──► lost, never_started, cancelled
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from slipway import audit, clock, ids, limits, rooms
from slipway.caller import Caller
from slipway.catalogue import RUNS
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.files import paths, trees
from slipway.ids import ProjectId, RunId, TeamId, UserId
from slipway.pages import before, page
from slipway.reply import Page, Reply
from slipway.rooms import RoomEvent
from slipway.runs import allowance
from slipway.texts import PRINTABLE, Input
from slipway.usage import runs as usage

QUEUE_SECONDS = 3600  # a run that nobody could start for so long ends as never_started
ARGUMENT_BYTES = 16_000
ARTIFACT_FILES, ARTIFACT_BYTES = 100, 50_000_000  # what one run may leave
METERS = ("run_wall_seconds", "run_cpu_seconds", "run_memory_bytes", "run_processes", "run_open_files",
          "run_disk_bytes", "run_output_bytes")  # fmt: skip
Argument = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]


def _short(arguments: Sequence[str]) -> Sequence[str]:
    """They are part of every event about the run, and an event must fit into a WebSocket message."""
    if sum(len(argument.encode()) for argument in arguments) > ARGUMENT_BYTES:
        raise ValueError(f"all arguments together have at most {ARGUMENT_BYTES} bytes")
    return arguments


class NewRun(Input):
    """`language` and `entry` are found from the files when absent. `artifacts` are glob patterns of files to keep."""

    language: Annotated[str, StringConstraints(max_length=20, pattern="^[a-z+]+$")] | None = None
    entry: str | None = Field(default=None, max_length=600)
    arguments: Annotated[list[Argument], AfterValidator(_short)] = Field(default=[], max_length=100)
    stdin: str = Field(default="", max_length=1_000_000)
    artifacts: list[Pattern] = Field(default=[], max_length=20)
    wall_seconds: int | None = Field(default=None, ge=1)


class Result(BaseModel):
    """What the sandbox measured; `signal` is a name such as SIGKILL."""

    exit_code: int | None = None
    signal: str | None = None
    wall_ms: int | None = None
    cpu_ms: int | None = None
    peak_memory_bytes: int | None = None
    output_bytes: int | None = None
    disk_bytes: int | None = None
    truncated: bool = False
    language: str | None = None
    language_version: str | None = None
    isolation: dict[str, Any] = {}


class Run(BaseModel):
    """`status` is open while queued, starting or running; every other one is final. `reason` says why, in words."""

    id: RunId
    team_id: TeamId
    project_id: ProjectId
    created_by: UserId
    status: str
    reason: str | None
    attempt: int
    language: str | None
    entry: str | None
    arguments: list[str]
    limits: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: Result | None


class Log(BaseModel):
    """Chunks of output with the run's room's numbers; ask again with `after` the last of them while `has_more`,
    or while the run is not `finished`."""

    chunks: list[RoomEvent]
    has_more: bool
    finished: bool


class RunMessage(BaseModel):
    """A message of the `runs` queue: dispatch this run, or tell its worker that it is cancelled."""

    team_id: UUID
    run_id: UUID
    cancel: bool = False


COLUMNS = """id, team_id, project_id, created_by, status, reason, attempt, language, entry, arguments, limits,
             created_at, started_at, finished_at, result"""
INSERT = sql(
    f"""insert into runs (team_id, id, project_id, created_by, tree_sha256, language, entry, arguments, stdin, artifacts,
                         limits, deadline_at)
        values (%(team_id)s, %(id)s, %(project_id)s, %(created_by)s, %(tree_sha256)s, %(language)s, %(entry)s,
                %(arguments)s, %(stdin)s, %(artifacts)s, %(limits)s, %(deadline_at)s)
        returning {COLUMNS}"""
)
GET = sql(f"select {COLUMNS} from runs where team_id = %(team_id)s and id = %(id)s")
LIST = sql(
    f"""select {COLUMNS} from runs
         where team_id = %(team_id)s and project_id = %(project_id)s and id < %(before)s order by id desc limit %(limit)s"""
)
CANCEL = sql(
    f"""update runs set cancel_requested_at = coalesce(cancel_requested_at, now())
         where team_id = %(team_id)s and id = %(id)s and finished_at is null returning {COLUMNS}"""
)
FINISH = sql(
    f"""update runs set status = %(status)s, reason = %(reason)s, result = %(result)s, finished_at = now(),
               token_hash = null, lease_expires_at = null
         where team_id = %(team_id)s and id = %(id)s and finished_at is null and attempt = %(attempt)s
        returning {COLUMNS}"""
)
OPEN_IN_PROJECT = sql(
    """select id, attempt from runs
        where team_id = %(team_id)s and project_id = %(project_id)s and finished_at is null order by id for update"""
)
CLOSE_ROOMS = sql(
    """delete from rooms where team_id = %(team_id)s
          and id in (select id from runs where team_id = %(team_id)s and project_id = %(project_id)s)"""
)
HOLD_PROJECT = sql("select workspace_id from projects where team_id = %(team_id)s and id = %(id)s for key share")


def create(tx: Transaction, caller: Caller, project_id: UUID, new: NewRun) -> Reply[Run]:
    """Reserve what it may use, keep the project's tree as it is now, and queue the run."""
    project = tx.one(HOLD_PROJECT, team_id=caller.team_id, id=project_id)
    if project is None:
        raise Error("not_found")  # it was deleted just now
    tree_sha256, entries = trees.take(tx, caller.team_id, project_id)
    entry = paths.clean(new.entry) if new.entry else None
    names = [e.path for e in entries]
    if not entries:
        raise Error("no_files", "Save a file first.")
    if entry and entry not in names:
        raise Error("invalid", "/body/entry: there is no such file in the project", errors=[
            {"pointer": "/body/entry", "code": "entry", "detail": "there is no such file in the project"}
        ])  # fmt: skip
    run_id = ids.new()
    allowed = _limits(tx, caller, new)
    allowance.take(tx, caller.team_id, run_id, allowed.get("wall_seconds"))
    row = tx.one(
        INSERT,
        team_id=caller.team_id,
        id=run_id,
        project_id=project_id,
        created_by=caller.user_id,
        tree_sha256=tree_sha256,
        language=new.language,
        entry=entry,
        arguments=new.arguments,
        stdin=new.stdin.encode("utf-8", "surrogatepass"),
        artifacts=new.artifacts,
        limits=json.dumps(allowed),
        deadline_at=clock.now() + timedelta(seconds=QUEUE_SECONDS),
    )
    run = read(row)
    rooms.open(tx, caller.team_id, run_id, "run", project["workspace_id"])
    announce(tx, run, "run.queued")
    tx.send(RUNS, RunMessage(team_id=caller.team_id, run_id=run_id))
    ran = {"project_id": ids.encode("prj", project_id), "tree_sha256": tree_sha256.hex()}
    audit.record(tx, caller, "run.created", ids.encode("run", run_id), None, ran)
    return Reply(run, {"location": f"/v1/runs/{ids.encode('run', run_id)}"})


def _limits(tx: Transaction, caller: Caller, new: NewRun) -> dict[str, int]:
    plan = limits.get(tx, caller.team_id, *METERS)
    if new.wall_seconds is not None:
        limits.check(tx, caller.team_id, "run_wall_seconds", new.wall_seconds)
        plan["run_wall_seconds"] = new.wall_seconds
    return {meter.removeprefix("run_"): value for meter, value in plan.items() if value is not None}


def get(tx: Transaction, caller: Caller, run_id: UUID) -> Run:
    return read(tx.one(GET, team_id=caller.team_id, id=run_id))


def list(tx: Transaction, caller: Caller, project_id: UUID, limit: int, cursor: str | None) -> Page[Run]:
    """A project's runs, newest first."""
    rows = tx.all(LIST, team_id=caller.team_id, project_id=project_id, before=before(cursor), limit=limit + 1)
    return page(Run, rows, limit)


def cancel(tx: Transaction, caller: Caller, run_id: UUID) -> Run:
    """A queued run ends at once; a running one as soon as its worker hears of it. Cancelling twice is once."""
    row = tx.one(CANCEL, team_id=caller.team_id, id=run_id)
    if row is None:
        return get(tx, caller, run_id)
    run = Run.model_validate(row)
    audit.record(tx, caller, "run.cancelled", ids.encode("run", run_id), {"status": run.status})
    if run.status == "queued":
        return finish(tx, run.team_id, run.id, run.attempt, "cancelled", "cancelled before it started") or run
    tx.send(RUNS, RunMessage(team_id=run.team_id, run_id=run.id, cancel=True))
    return run


def log(tx: Transaction, caller: Caller, run_id: UUID, after: int) -> Log:
    """Output after a number; the WebSocket carries the same chunks with the same numbers."""
    run = get(tx, caller, run_id)
    chunks, more = rooms.events_after(tx, caller.team_id, run_id, after, "run.output")
    return Log(chunks=chunks, has_more=more, finished=run.finished_at is not None)


def finish(
    tx: Transaction,
    team_id: UUID,
    run_id: UUID,
    attempt: int,
    status: str,
    reason: str | None,
    result: Result | None = None,
) -> Run | None:
    """The one way into a final state: once, by the current attempt, with what it used committed and metered, the rest given back.

    None where the run has ended already or another attempt holds it.
    """
    row = tx.one(
        FINISH,
        team_id=team_id,
        id=run_id,
        attempt=attempt,
        status=status,
        reason=reason,
        result=result.model_dump_json() if result else None,
    )
    if row is None:
        return None
    run = Run.model_validate(row)
    allowance.settle(tx, run)
    usage.ended(tx, run)
    announce(tx, run, "run.finished")
    return run


def abandon(tx: Transaction, team_id: UUID, project_id: UUID) -> None:
    """End what is open in a project that is about to be deleted, so that its quotas come back; drop the runs' logs.

    All runs are locked before anything else is touched: a worker that ends one at this moment waits or is waited for.
    """
    for row in tx.all(OPEN_IN_PROJECT, team_id=team_id, project_id=project_id):
        finish(tx, team_id, row["id"], row["attempt"], "cancelled", "the project was deleted")
    tx.run(CLOSE_ROOMS, team_id=team_id, project_id=project_id)


def announce(tx: Transaction, run: Run, event: str) -> None:
    """Tell the run's room, and the project's where a run begins or ends."""
    data = run.model_dump(mode="json")
    rooms.append(tx, run.team_id, "run", run.id, [(event, data)])
    if event in ("run.queued", "run.finished"):
        rooms.append(tx, run.team_id, "prj", run.project_id, [(event, data)])


def read(row: Row | None) -> Run:
    if row is None:
        raise Error("not_found")
    return Run.model_validate(row)
