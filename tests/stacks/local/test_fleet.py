from __future__ import annotations

import asyncio
import json
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from stacks.local.fleet import CAP_FACTOR, Fleet

WAITS = """
    import json, os, time
    print(json.dumps({"ready": True, "address": f"127.0.0.1:{os.getpid()}"}), flush=True)
    time.sleep(60)
"""


class Stage:
    """A fleet of scripted workers, and what it told."""

    def __init__(self, tmp_path: Path, code: str, warm: int, idle_seconds: float = 3600) -> None:
        script = tmp_path / "worker.py"
        script.write_text(textwrap.dedent(code))
        self.told: list[dict[str, Any]] = []
        self.living: list[str] = []
        self.fleet = Fleet((sys.executable, str(script)), warm, self.tell, self.note, idle_seconds)

    async def tell(self, detail: dict[str, Any]) -> None:
        self.told.append(json.loads(json.dumps(detail)))

    def note(self, living: Any) -> None:
        self.living = list(living)

    def of(self, status: str) -> list[dict[str, Any]]:
        return [detail for detail in self.told if detail["lastStatus"] == status]

    def pids(self) -> list[int]:
        """The scripts give their pid as their port."""
        return [int(d["attachments"][0]["details"][0]["value"].split(":")[1]) for d in self.of("RUNNING")]

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def all_of_it() -> None:
            keeping = asyncio.create_task(self.fleet.keep())
            await story()
            keeping.cancel()
            await self.fleet.stop()

        asyncio.run(all_of_it())


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def test_each_worker_is_told_with_its_address_where_ecs_has_it_and_told_again_at_its_end(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS, warm=1)

    async def story() -> None:
        await until(lambda: bool(stage.of("RUNNING")))
        psutil.Process(stage.pids()[0]).kill()
        await until(lambda: bool(stage.of("STOPPED")))

    stage.play(story)
    came, went = stage.of("RUNNING")[0], stage.of("STOPPED")[0]
    assert came["taskArn"] == went["taskArn"]
    assert came["group"] == "service:workers"
    assert (came["version"], went["version"]) == (1, 2)
    assert came["containers"][0]["networkInterfaces"][0]["privateIpv4Address"].startswith("127.0.0.1:")
    assert went["containers"][0]["exitCode"] == 137
    assert went["stoppedReason"] == "Essential container in task exited"


def test_a_worker_that_ends_is_replaced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS, warm=2)

    async def story() -> None:
        await until(lambda: len(stage.of("RUNNING")) == 2)
        psutil.Process(stage.pids()[0]).kill()
        await until(lambda: len(stage.of("RUNNING")) == 3)

    stage.play(story)


def test_a_busy_worker_no_longer_counts_as_warm_and_there_is_a_cap(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS.replace("time.sleep", "print('{\"busy\": true}', flush=True); time.sleep"), warm=1)

    async def story() -> None:
        await until(lambda: len(stage.of("RUNNING")) == CAP_FACTOR)
        await asyncio.sleep(0.2)
        assert len(stage.living) == CAP_FACTOR

    stage.play(story)
    assert len(stage.of("RUNNING")) == CAP_FACTOR


def test_a_requested_worker_comes_beside_the_warm_ones_and_is_not_replaced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS, warm=1)

    async def story() -> None:
        await until(lambda: len(stage.of("RUNNING")) == 1)
        stage.fleet.request(1)
        await until(lambda: len(stage.of("RUNNING")) == 2)
        assert stage.of("RUNNING")[1]["group"] == "family:run"
        psutil.Process(stage.pids()[1]).kill()
        await until(lambda: len(stage.living) == 1)
        await asyncio.sleep(0.2)
        assert len(stage.living) == 1
        stage.fleet.request(100)
        assert len(stage.living) == CAP_FACTOR

    stage.play(story)


def test_a_worker_that_waits_in_vain_for_long_is_replaced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS, warm=1, idle_seconds=0.2)

    async def story() -> None:
        await until(lambda: len(stage.of("RUNNING")) == 2)

    stage.play(story)
    assert stage.of("STOPPED")[0]["stoppedReason"] == "Idle for too long, replaced"


def test_workers_that_cannot_start_are_tried_again_but_not_in_a_hurry(tmp_path: Path) -> None:
    code = f"""
        open({str(tmp_path / "tries")!r}, "a").write("x")
        print('{{"ready": false, "reason": "no"}}', flush=True)
    """
    stage = Stage(tmp_path, code, warm=1)

    async def story() -> None:
        await asyncio.wait_for(stage.fleet.settled.wait(), 5)
        await asyncio.sleep(1.2)

    stage.play(story)
    assert 2 <= len((tmp_path / "tries").read_text()) <= 4
    assert stage.told == []


def test_stop_ends_all_tells_it_and_leaves_no_process(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WAITS, warm=2)

    async def story() -> None:
        await until(lambda: len(stage.of("RUNNING")) == 2)

    stage.play(story)
    assert [d["stoppedReason"] for d in stage.of("STOPPED")] == ["Service stopped"] * 2
    assert not any(map(psutil.pid_exists, stage.pids()))
    assert stage.living == []


def test_a_worker_knows_nothing_of_the_environment_that_it_was_started_from(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SLIPWAY_DATABASE_URL", "postgresql://secret")
    look = f"import json, os\nopen({str(tmp_path / 'environment')!r}, 'w').write(json.dumps(dict(os.environ)))\n"
    code = look + textwrap.dedent(WAITS)
    stage = Stage(tmp_path, code, warm=1)

    async def story() -> None:
        await until(lambda: bool(stage.of("RUNNING")))

    stage.play(story)
    seen = json.loads((tmp_path / "environment").read_text())
    assert "PATH" in seen
    assert not [name for name in seen if name.startswith(("SLIPWAY", "DATABASE", "PG", "AWS"))]
