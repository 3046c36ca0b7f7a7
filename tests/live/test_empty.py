"""Postgres is the only truth: buckets and queues are emptied while people work, and nothing acknowledged is lost."""

from __future__ import annotations

import shutil
import time

import psycopg
import pytest

from scripts.client import Client
from tests.live.conftest import Platform
from tests.live.test_kill import PROGRAM, SAID, output, saving


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_empty_buckets_and_queues_in_mid_run_lose_nothing(platform: Platform, client: Client) -> None:
    project = client.project("P")
    client.save(project["id"], "main.py", PROGRAM)
    client.save(project["id"], "large.bin", bytes(range(256)) * 8192)  # beyond inline: the sources go by a bundle
    with saving(platform, client, project["id"]) as acknowledged:
        runs = [client.call("POST", f"/v1/projects/{project['id']}/runs", {"entry": "main.py"}) for _ in range(6)]
        for _ in range(5):
            empty(platform)
            time.sleep(0.2)
        ended = [client.wait(run["id"], 150) for run in runs]
    assert [run["status"] for run in ended] == ["succeeded"] * 6, [(r["status"], r["reason"]) for r in ended]
    assert [output(client, run) for run in ended] == [SAID] * 6
    assert acknowledged
    for path, content in acknowledged.items():
        assert client.send("GET", f"/v1/projects/{project['id']}/files/{path}").content == content.encode()


def test_a_lost_artifact_says_so_and_running_again_makes_it_again(platform: Platform, client: Client) -> None:
    project = client.project("P")
    client.save(project["id"], "main.py", b"open('out.txt', 'w').write('made')")
    url = f"/v1/projects/{project['id']}/runs"
    run = client.wait(client.call("POST", url, {"artifacts": ["out.txt"]})["id"])
    (artifact,) = client.call("GET", f"/v1/runs/{run['id']}/artifacts")["data"]
    empty(platform)
    assert client.send("GET", f"/v1/runs/{run['id']}/artifacts/{artifact['id']}").json["code"] == "not_found"
    again = client.wait(client.call("POST", url, {"artifacts": ["out.txt"]})["id"])
    (artifact,) = client.call("GET", f"/v1/runs/{again['id']}/artifacts")["data"]
    assert client.send("GET", f"/v1/runs/{again['id']}/artifacts/{artifact['id']}").status == 200


def empty(platform: Platform) -> None:
    """Every object and every message, gone."""
    shutil.rmtree(platform.data / "objects", ignore_errors=True)
    with psycopg.connect(platform.machine.owner_url, autocommit=True) as connection:
        connection.execute("delete from local.messages")
