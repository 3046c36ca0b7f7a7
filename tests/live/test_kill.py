"""Any process may die at any moment: no acknowledged write is lost, and no run stays open."""

from __future__ import annotations

import base64
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from scripts.client import Client, Json, Problem
from tests.live.conftest import Platform

# Long enough to be hit in the middle; its output tells whether all of it came from one attempt.
PROGRAM = b"import time\nfor i in range(20):\n    print(i, flush=True)\n    time.sleep(0.1)\nprint('end')\n"
SAID = b"".join(b"%d\n" % i for i in range(20)) + b"end\n"
PROCESSES = (
    "slipway_sandbox.worker",
    "stacks.local.consumers",
    "stacks.local.gateway http",
    "stacks.local.gateway websocket",
    "bin/postgres",
    "stacks.local.execution",
)


@contextmanager
def saving(platform: Platform, client: Client, project_id: str) -> Iterator[dict[str, str]]:
    """Saves one file after another meanwhile; yields path → content of those that were acknowledged."""
    acknowledged: dict[str, str] = {}
    done = threading.Event()
    mine = platform.client()
    mine.token = client.token

    def save() -> None:
        number = 0
        while not done.is_set():
            number += 1
            path, content = f"saved/{number}.txt", f"content {number}"
            try:
                mine.save(project_id, path, content.encode())
            except (OSError, Problem, ValueError, Exception):  # not acknowledged: nothing is promised
                time.sleep(0.05)
                continue
            acknowledged[path] = content
            time.sleep(0.01)

    thread = threading.Thread(target=save)
    thread.start()
    try:
        yield acknowledged
    finally:
        done.set()
        thread.join(40)


def start_run(client: Client, project_id: str) -> Json:
    """Asks until it is acknowledged: a gateway that is down refuses."""
    for _ in range(200):
        try:
            run: Json = client.call("POST", f"/v1/projects/{project_id}/runs", {"entry": "main.py"})
            return run
        except (OSError, Problem, Exception):
            time.sleep(0.1)
    raise AssertionError("no run was accepted within 20 s")


def output(client: Client, run: Json) -> bytes:
    """What the final attempt wrote to stdout."""
    chunks, after = [], 0
    while True:
        log = client.call("GET", f"/v1/runs/{run['id']}/log?after={after}")
        chunks += [c["data"] for c in log["chunks"]]
        if not log["has_more"]:
            break
        after = log["chunks"][-1]["seq"]
    last = [c for c in chunks if c["attempt"] == run["attempt"] and c["stream"] == "stdout"]
    return b"".join(base64.b64decode(c["data_base64"]) for c in last)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("command", PROCESSES)
def test_a_killed_process_loses_nothing_and_leaves_no_run_open(
    platform: Platform, client: Client, command: str
) -> None:
    project = client.project("P")
    client.save(project["id"], "main.py", PROGRAM)
    with saving(platform, client, project["id"]) as acknowledged:
        runs = [start_run(client, project["id"]) for _ in range(3)]
        time.sleep(1.0)
        assert platform.kill(command), f"there was no {command} to kill"
        runs.append(start_run(client, project["id"]))
        ended = [wait(client, run["id"], 150) for run in runs]
    assert [run["status"] for run in ended] == ["succeeded"] * 4, [(r["status"], r["reason"]) for r in ended]
    assert [output(client, run) for run in ended] == [SAID] * 4
    assert len(acknowledged) > 20
    for path, content in acknowledged.items():
        assert client.send("GET", f"/v1/projects/{project['id']}/files/{path}").content == content.encode()


def wait(client: Client, run_id: str, seconds: float) -> Json:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return client.wait(run_id, max(0.1, deadline - time.monotonic()))
        except TimeoutError:
            raise
        except (OSError, Problem, Exception):
            time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_quota_slots_are_all_back_and_warm_workers_again(
    platform: Platform, eventually: Callable[[Callable[[], object], float], None]
) -> None:
    """After the kills above: nothing leaked."""
    import psycopg

    superuser = platform.machine.owner_url

    def used() -> int:
        with psycopg.connect(superuser) as connection:
            connection.execute("set role slipway_door")
            row = connection.execute("select count(*) from runs where finished_at is null").fetchone()
            return int(row[0]) if row else -1

    eventually(lambda: used() == 0, 30)
    eventually(lambda: len(platform.pids("slipway_sandbox.worker")) >= platform.machine.workers, 30)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_stopping_leaves_no_process_and_starting_again_finds_everything(
    platform: Platform, client: Client, eventually: Callable[[Callable[[], object], float], None]
) -> None:
    import psutil

    from tests.live.conftest import start, stop

    project = client.project("P")
    client.save(project["id"], "main.py", b"print('still here')")
    family = psutil.Process(platform.process.pid).children(recursive=True)
    platform.process.send_signal(signal.SIGINT)
    platform.process.wait(30)
    eventually(lambda: not [p for p in family if p.is_running() and p.status() != "zombie"], 5)
    again = start(platform.data, platform.port)
    returning = again.client()
    returning.token = client.token
    try:
        read = returning.send("GET", f"/v1/projects/{project['id']}/files/main.py")
        assert (read.status, read.content) == (200, b"print('still here')")
    finally:
        stop(again)
