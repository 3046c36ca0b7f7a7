"""Files that a run left: the worker uploads them straight to object storage, people download them from there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from slipway import ids
from slipway.caller import Caller
from slipway.capabilities import ARTIFACTS_READ, ARTIFACTS_WRITE, use
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.files import paths
from slipway.ids import ArtifactId
from slipway.reply import Page
from slipway.runs.report import Sha256, fence
from slipway.runs.run import ARTIFACT_BYTES, ARTIFACT_FILES
from slipway.texts import Input

LINK_SECONDS = 300


class NewArtifact(Input):
    attempt: int
    path: str = Field(max_length=600)
    size: int = Field(ge=0)
    sha256: Sha256


class Upload(BaseModel):
    upload_url: str


class Artifact(BaseModel):
    """`download_url` works for five minutes and while the artifact is kept."""

    id: ArtifactId
    path: str
    size: int
    sha256: str
    created_at: datetime
    download_url: str | None = None


KEPT = sql(
    """select count(*) as files, coalesce(sum(size), 0) as bytes from run_artifacts
        where team_id = %(team_id)s and run_id = %(run_id)s and attempt = %(attempt)s and path <> %(path)s"""
)
INSERT_ARTIFACT = sql(
    """insert into run_artifacts (team_id, id, run_id, attempt, path, size, sha256)
       values (%(team_id)s, %(id)s, %(run_id)s, %(attempt)s, %(path)s, %(size)s, decode(%(sha256)s, 'hex'))
       on conflict (team_id, run_id, attempt, path) do update set size = excluded.size, sha256 = excluded.sha256
       returning id"""
)
LIST = sql(
    """select a.id, a.path, a.size, encode(a.sha256, 'hex') as sha256, a.created_at
         from run_artifacts a join runs r on r.team_id = a.team_id and r.id = a.run_id and r.attempt = a.attempt
        where a.team_id = %(team_id)s and a.run_id = %(run_id)s and r.finished_at is not null order by a.path"""
)
GET = sql(
    """select id, path, size, encode(sha256, 'hex') as sha256, created_at from run_artifacts
        where team_id = %(team_id)s and run_id = %(run_id)s and id = %(id)s"""
)


def upload(tx: Transaction, caller: Caller, run_id: UUID, new: NewArtifact) -> Upload:
    """Where to put one artifact's bytes."""
    fence(caller, new.attempt)
    path = paths.clean(new.path)
    kept = tx.one(KEPT, team_id=caller.team_id, run_id=run_id, attempt=caller.attempt, path=path) or {}
    if kept["files"] >= ARTIFACT_FILES or kept["bytes"] + new.size > ARTIFACT_BYTES:
        raise Error("too_large", f"A run keeps at most {ARTIFACT_FILES} files and {ARTIFACT_BYTES} bytes.")
    row = tx.one(
        INSERT_ARTIFACT,
        team_id=caller.team_id,
        id=ids.new(),
        run_id=run_id,
        attempt=caller.attempt,
        path=path,
        size=new.size,
        sha256=new.sha256,
    )
    if row is None:
        raise LookupError("an upsert returned nothing")
    return Upload(upload_url=use(ARTIFACTS_WRITE).url_to_put(_key(run_id, row["id"]), LINK_SECONDS, new.size))


def list(tx: Transaction, caller: Caller, run_id: UUID) -> Page[Artifact]:
    """What the final attempt left, by path."""
    rows = tx.all(LIST, team_id=caller.team_id, run_id=run_id)
    return Page[Artifact](data=[Artifact.model_validate(row) for row in rows], has_more=False)


def download(tx: Transaction, caller: Caller, run_id: UUID, artifact_id: UUID) -> Artifact:
    row = tx.one(GET, team_id=caller.team_id, run_id=run_id, id=artifact_id)
    key = _key(run_id, artifact_id)
    store = use(ARTIFACTS_READ)
    if row is None or not store.exists(key):
        raise Error("not_found", "There is no such artifact, or it has expired: run again to make it again.")
    found = Artifact.model_validate(row)
    found.download_url = store.url_to_get(key, LINK_SECONDS, filename=found.path.rsplit("/", 1)[-1])
    return found


def _key(run_id: UUID, artifact_id: UUID) -> str:
    return f"{run_id}/{artifact_id}"
