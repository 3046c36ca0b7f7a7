from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.runs.conftest import lose
from tests.core.worker import Worker

SHA = hashlib.sha256(b"x").hexdigest()
ARTIFACTS = "GET /v1/runs/{run_id}/artifacts"


def test_an_artifact_is_listed_and_downloaded_when_the_run_has_ended(
    api: Api, ann: Person, worker: Worker, run: Any, machine: Machine
) -> None:
    upload = worker.report(api, "artifacts", path="out/plot.png", size=1, sha256=SHA)
    assert upload.status == 200 and upload.json["upload_url"].startswith(machine.public_url)
    assert api.call(ARTIFACTS, by=ann, run_id=run["id"]).json["data"] == []
    worker.finish(api)
    (artifact,) = api.call(ARTIFACTS, by=ann, run_id=run["id"]).json["data"]
    assert (artifact["path"], artifact["size"], artifact["sha256"]) == ("out/plot.png", 1, SHA)
    path = {"run_id": run["id"], "artifact_id": artifact["id"]}
    missing = api.call(f"{ARTIFACTS}/{{artifact_id}}", by=ann, **path)
    assert (missing.status, "expired" in missing.json["detail"]) == (404, True)
    store(machine, f"{uuid_of(run['id'])}/{uuid_of(artifact['id'])}", b"x")
    found = api.call(f"{ARTIFACTS}/{{artifact_id}}", by=ann, **path)
    assert found.status == 200 and "plot.png" in found.json["download_url"]


def store(machine: Machine, key: str, content: bytes) -> None:
    from stacks.local.storage import DiskObjects

    DiskObjects(machine, "artifacts", "write").put(key, content)
    assert Path(machine.data, "objects", "artifacts").exists()


def test_a_stranger_gets_no_artifact(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    worker.report(api, "artifacts", path="a", size=1, sha256=SHA)
    worker.finish(api)
    (artifact,) = api.call(ARTIFACTS, by=ann, run_id=run["id"]).json["data"]
    bob = api.project("Bob")
    path = {"run_id": run["id"], "artifact_id": artifact["id"]}
    assert api.call(ARTIFACTS, by=bob, run_id=run["id"]).status == 404
    assert api.call(f"{ARTIFACTS}/{{artifact_id}}", by=bob, **path).status == 404


def test_an_artifact_reported_again_is_the_same_one(api: Api, ann: Person, worker: Worker, run: Any) -> None:
    for size in (1, 2):
        worker.report(api, "artifacts", path="a", size=size, sha256=SHA)
    worker.finish(api)
    assert [a["size"] for a in api.call(ARTIFACTS, by=ann, run_id=run["id"]).json["data"]] == [2]


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a\0b", ""])
def test_an_artifact_s_path_is_checked_as_any_other(api: Api, worker: Worker, run: Any, path: str) -> None:
    assert worker.report(api, "artifacts", path=path, size=1, sha256=SHA).status == 422


def test_only_the_last_attempt_s_artifacts_are_shown(
    api: Api, ann: Person, worker: Worker, run: Any, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> None:
    worker.report(api, "artifacts", path="first", size=1, sha256=SHA)
    second = workers()
    second.arrive()
    lose(everything)
    second.report(api, "artifacts", path="second", size=1, sha256=SHA)
    second.finish(api)
    assert [a["path"] for a in api.call(ARTIFACTS, by=ann, run_id=run["id"]).json["data"]] == ["second"]


def test_what_one_run_may_leave_is_limited(api: Api, worker: Worker, run: Any) -> None:
    assert worker.report(api, "artifacts", path="big", size=50_000_001, sha256=SHA).status == 413
    assert worker.report(api, "artifacts", path="first", size=49_999_999, sha256=SHA).status == 200
    assert worker.report(api, "artifacts", path="second", size=2, sha256=SHA).status == 413
    assert worker.report(api, "artifacts", path="first", size=50_000_000, sha256=SHA).status == 200
    for number in range(99):
        assert worker.report(api, "artifacts", path=f"empty-{number}", size=0, sha256=SHA).status == 200
    assert worker.report(api, "artifacts", path="one more", size=0, sha256=SHA).status == 413
