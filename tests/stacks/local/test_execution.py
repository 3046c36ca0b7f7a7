from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from stacks.local import machine, postgres, queues, tasks, workers
from stacks.local.machine import Machine
from stacks.local.sandbox import read


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def here(server: postgres.Server, tmp_path: Path) -> Machine:
    owner_url, app_url = postgres.bootstrap(server.superuser_url, database=f"x{time.time_ns()}")
    queues.create(owner_url)
    here = replace(machine.open_or_create(tmp_path, 1, 1), owner_url=owner_url, app_url=app_url)
    here.save()
    return here


@pytest.fixture
def start(here: Machine) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "stacks.local.execution", here.data]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "ready\n"
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(15)


def told(here: Machine, status: str) -> list[dict[str, Any]]:
    with psycopg.connect(here.owner_url) as connection:
        rows = connection.execute("select body from local.messages where queue = 'events' order by sent_at").fetchall()
    events = [json.loads(row[0])["event"] for row in rows]
    assert {(e["source"], e["detail-type"]) for e in events} <= {("aws.ecs", "ECS Task State Change")}
    return [e["detail"] for e in events if e["detail"]["lastStatus"] == status]


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_warm_worker_answers_at_the_address_that_was_told(here: Machine, start: Callable[..., Any]) -> None:
    start()
    address = told(here, "RUNNING")[0]["attachments"][0]["details"][0]["value"]
    with pytest.raises(urllib.error.HTTPError):  # a worker takes a job by POST and nothing else
        urllib.request.urlopen(f"http://{address}/", timeout=5)
    assert "python" in workers.load(Path(here.data)).sandbox.languages


def test_a_worker_that_dies_is_reported_and_replaced(here: Machine, start: Callable[..., Any]) -> None:
    process = start()
    (worker,) = [c for c in psutil.Process(process.pid).children() if "slipway_sandbox.worker" in c.cmdline()]
    worker.kill()
    until(lambda: len(told(here, "RUNNING")) == 2 and len(told(here, "STOPPED")) == 1)
    assert told(here, "STOPPED")[0]["taskArn"] == told(here, "RUNNING")[0]["taskArn"]


def test_a_requested_task_is_started(here: Machine, start: Callable[..., Any]) -> None:
    start()
    tasks.request(here, "run", 1)
    until(lambda: len(told(here, "RUNNING")) == 2)
    assert told(here, "RUNNING")[1]["group"] == "family:run"


def test_sigterm_ends_every_worker_and_tells_it(here: Machine, start: Callable[..., Any]) -> None:
    process = start()
    descendants = psutil.Process(process.pid).children(recursive=True)
    assert descendants
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert psutil.wait_procs(descendants, timeout=5)[1] == []
    assert len(told(here, "STOPPED")) == len(told(here, "RUNNING")) == 1
    assert workers.load(Path(here.data)).tasks == []


def test_after_a_kill_the_next_life_reports_the_workers_of_the_last(here: Machine, start: Callable[..., Any]) -> None:
    process = start()
    descendants = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert psutil.wait_procs(descendants, timeout=5)[1] == []
    start()
    assert told(here, "STOPPED")[0]["taskArn"] == told(here, "RUNNING")[0]["taskArn"]
    assert told(here, "STOPPED")[0]["stoppedReason"] == "The machine was restarted"


def test_a_wall_that_does_not_stand_takes_every_language_off_offer() -> None:
    said = {"languages": {"python": "3.11"}, "missing": {}, "isolation": {}, "problems": ["programs hold capabilities"]}
    assert read(said).languages == {}
    assert read(said).unavailable == "programs hold capabilities"
    assert read({**said, "problems": []}).languages == {"python": "3.11"}
