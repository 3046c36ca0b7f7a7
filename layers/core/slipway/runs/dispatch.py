"""Giving a queued run to a warm worker. The claim, the token and the worker's row are one transaction; then the push.

A run without a free worker stays queued: the worker that starts next asks for the run that has waited longest.
"""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import zipfile
from typing import Any, NamedTuple
from uuid import UUID

from slipway import db, ids, log, settings
from slipway.capabilities import BUNDLES_WRITE, WORKER_NETWORK, use
from slipway.catalogue import WORKERS
from slipway.db import Row, Transaction, sql
from slipway.files import trees
from slipway.runs.lease import LEASE_SECONDS, LOCK, NEW_SECONDS, give_back
from slipway.runs.run import ARTIFACT_BYTES, ARTIFACT_FILES, COLUMNS, Run, RunMessage, announce
from slipway.tokens import RUN_PREFIX, hashed
from slipway.workers import StartWorkers

START_SECONDS = 60  # beyond the run's own wall time: compile, upload, report
INLINE_BYTES = 1_000_000

TAKE_WORKER = sql(
    """update workers set state = 'busy', team_id = %(team_id)s, run_id = %(run_id)s, attempt = %(attempt)s,
              claimed_at = now()
        where task_arn = (select task_arn from workers where state = 'idle'
                           order by started_at for update skip locked limit 1)
       returning task_arn, address"""
)
START = sql(
    f"""update runs set status = 'starting', attempt = attempt + 1, token_hash = %(token_hash)s, output_seq = 0,
               lease_expires_at = now() + make_interval(secs => %(lease)s),
               deadline_at = now() + make_interval(secs => %(start)s + coalesce((limits ->> 'wall_seconds')::integer, 3600))
         where team_id = %(team_id)s and id = %(id)s returning {COLUMNS}, tree_sha256, stdin, artifacts"""
)
RUNNING = sql(
    f"""update runs set status = 'running', started_at = now()
         where team_id = %(team_id)s and id = %(id)s and attempt = %(attempt)s and status = 'starting' returning {COLUMNS}"""
)
FORGET_WORKER = sql("update workers set state = 'gone', run_id = null, team_id = null where task_arn = %(task_arn)s")
WORKER_OF = sql(
    """select w.address, encode(r.token_hash, 'hex') as token_sha256 from workers w
         join runs r on r.team_id = w.team_id and r.id = w.run_id and r.attempt = w.attempt
        where w.team_id = %(team_id)s and w.run_id = %(run_id)s and r.finished_at is null"""
)


class Job(NamedTuple):
    """A claimed run with the worker that it was given to."""

    run: Run
    task_arn: str
    address: str
    manifest: dict[str, Any]


def handle(message: RunMessage) -> None:
    """One message of the `runs` queue. Safe to get twice: only a queued run is claimed."""
    if message.cancel:
        push_cancel(message.team_id, message.run_id)
        return
    while job := _claim(message.team_id, message.run_id):
        status = use(WORKER_NETWORK).push(job.address, "/job", job.manifest)
        if status == 202:
            _running(job)
            return
        log.warning("worker_refused", task=job.task_arn, status=status)
        with db.for_team(message.team_id) as tx:
            tx.run(FORGET_WORKER, task_arn=job.task_arn)
            reason = f"the worker answered {status or 'nothing'}"
            give_back(tx, job.run.team_id, job.run.id, job.run.attempt, reason, refused=True)


def push_cancel(team_id: UUID, run_id: UUID) -> None:
    """Tell the worker; should it not hear, its next report does."""
    with db.for_team(team_id) as tx:
        row = tx.one(WORKER_OF, team_id=team_id, run_id=run_id)
    if row:
        use(WORKER_NETWORK).push(row["address"], "/cancel", {"token_sha256": row["token_sha256"]})


def _claim(team_id: UUID, run_id: UUID) -> Job | None:
    """Take the run and a worker together, or nothing."""
    with db.for_team(team_id) as tx:
        run = tx.one(LOCK, team_id=team_id, id=run_id, new=NEW_SECONDS)
        if run is None or run["status"] != "queued":
            return None
        attempt = run["attempt"] + 1
        worker = tx.one(TAKE_WORKER, team_id=team_id, run_id=run_id, attempt=attempt)
        if worker is None:
            if run["new"]:  # not for each message that reminds of it
                tx.send(WORKERS, StartWorkers(count=1))
            return None
        token = RUN_PREFIX + secrets.token_urlsafe(32)
        row = tx.one(
            START,
            team_id=team_id,
            id=run_id,
            token_hash=hashed(token),
            lease=LEASE_SECONDS,
            start=START_SECONDS,
        )
        if row is None:
            raise LookupError(f"run {run_id} vanished under its lock")
        return Job(Run.model_validate(row), worker["task_arn"], worker["address"], _manifest(tx, row, token))


def _manifest(tx: Transaction, row: Row, token: str) -> dict[str, Any]:
    """The whole job, self-contained: the worker has no credential but the token and no address but the report URL."""
    run_id = ids.encode("run", row["id"])
    return {
        "run_id": run_id,
        "attempt": row["attempt"],
        "token": token,
        "report_url": f"{settings.get('SLIPWAY_PUBLIC_URL')}/v1/worker/runs/{run_id}",
        "language": row["language"],
        "entry": row["entry"],
        "arguments": row["arguments"],
        "stdin_base64": base64.b64encode(row["stdin"]).decode(),
        "environment": {},
        "sources": _sources(trees.contents(tx, row["team_id"], row["tree_sha256"]), row["tree_sha256"]),
        "limits": row["limits"],
        "artifacts": {"patterns": row["artifacts"], "max_files": ARTIFACT_FILES, "max_bytes": ARTIFACT_BYTES},
    }


def _sources(contents: dict[str, bytes], tree_sha256: bytes) -> dict[str, Any]:
    """Inline where small; otherwise a zip that anyone with its URL may fetch for ten minutes."""
    if sum(map(len, contents.values())) <= INLINE_BYTES:
        return {
            "inline": [
                {"path": path, "content_base64": base64.b64encode(content).decode()}
                for path, content in contents.items()
            ]
        }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        for path, content in contents.items():
            bundle.writestr(zipfile.ZipInfo(path), content)
    store, key = use(BUNDLES_WRITE), f"{tree_sha256.hex()}.zip"
    store.put(key, packed.getvalue(), "application/zip")
    return {"bundle_url": store.url_to_get(key, 600), "sha256": hashlib.sha256(packed.getvalue()).hexdigest()}


def _running(job: Job) -> None:
    """The worker took it. Its first report may have been faster, and its result too: then this changes nothing."""
    with db.for_team(job.run.team_id) as tx:
        row = tx.one(RUNNING, team_id=job.run.team_id, id=job.run.id, attempt=job.run.attempt)
        if row:
            announce(tx, Run.model_validate(row), "run.running")
