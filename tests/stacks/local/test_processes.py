from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from stacks.local import processes
from stacks.local.processes import Backoff, CannotStart, Child


def child(tmp_path: Path, code: str, name: str = "child") -> Child:
    script = tmp_path / f"{name}.py"
    script.write_text(textwrap.dedent(code))
    return Child(name, (sys.executable, str(script)), tmp_path / "logs" / f"{name}.log")


GOOD = """
    import sys, time
    print("started", file=sys.stderr, flush=True)
    print("ready", flush=True)
    time.sleep(60)
"""


async def until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def test_a_child_is_started_when_it_says_so_and_ends_on_stop(tmp_path: Path) -> None:
    async def story() -> None:
        one = child(tmp_path, GOOD)
        await one.start()
        pid = one.process.pid
        assert psutil.pid_exists(pid)
        await one.stop()
        assert not psutil.pid_exists(pid)

    asyncio.run(story())
    assert (tmp_path / "logs" / "child.log").read_text() == "started\n"


def test_what_a_child_prints_beside_ready_goes_to_its_log(tmp_path: Path) -> None:
    async def story() -> None:
        one = child(
            tmp_path, 'print("hello", flush=True); print("ready", flush=True); print("x" * 200_000, flush=True)'
        )
        await one.start()
        await one.process.wait()
        await one.stop()

    asyncio.run(story())
    lines = (tmp_path / "logs" / "child.log").read_text().splitlines()
    assert [len(line) for line in lines] == [5, 200_000]


def test_a_child_that_cannot_start_says_why_in_its_own_words(tmp_path: Path) -> None:
    one = child(tmp_path, 'import sys; print("no key: run slipway key", file=sys.stderr); sys.exit(3)')
    with pytest.raises(CannotStart, match="child: no key: run slipway key"):
        asyncio.run(one.start())


def test_a_child_that_ends_or_is_silent_at_the_start_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"exit code 7\): see .*child\.log"):
        asyncio.run(child(tmp_path, "raise SystemExit(7)").start())
    silent = child(tmp_path, "import time; time.sleep(60)", "silent")
    with pytest.raises(CannotStart, match="silent was not ready after 0 s"):
        asyncio.run(silent.start(seconds=0.3))
    assert silent.process.returncode is not None


def test_the_end_of_a_child_is_seen_though_a_grandchild_holds_its_pipes(tmp_path: Path) -> None:
    code = """
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("ready", flush=True)
        time.sleep(60)
    """

    async def story() -> None:
        one = child(tmp_path, code)
        await one.start()
        one.process.signal(signal.SIGKILL)
        assert await asyncio.wait_for(one.process.wait(), 5) == -signal.SIGKILL
        await one.stop()

    asyncio.run(story())


def test_a_crashed_child_is_started_again_at_once(tmp_path: Path) -> None:
    said: list[str] = []

    async def story() -> None:
        one = child(tmp_path, GOOD)
        await one.start()
        one.keep(said.append)
        first = one.process
        first.signal(signal.SIGKILL)
        begin = time.monotonic()
        await until(lambda: one.process is not first)
        assert time.monotonic() - begin < 0.5
        await until(lambda: (tmp_path / "logs" / "child.log").read_text() == "started\nstarted\n")
        await one.stop()

    asyncio.run(story())
    assert len(said) == 1
    assert "child ended (SIGKILL), starting it again" in said[0]


def test_a_child_has_the_open_files_that_it_is_given_at_every_start_and_no_other(tmp_path: Path) -> None:
    code = """
        import os, sys, time
        for fd in sys.argv[1:]:
            print(os.fstat(int(fd)).st_size if os.path.exists(f"/proc/self/fd/{fd}") else "none", file=sys.stderr)
        print("ready", flush=True)
        time.sleep(60)
    """
    file = tmp_path / "file"
    file.write_bytes(b"x" * 77)

    async def story() -> None:
        with file.open() as given, file.open() as kept:
            one = child(tmp_path, code)
            one.command = (*one.command, str(given.fileno()), str(kept.fileno()))
            one.descriptors = [given.fileno()]
            await one.start()
            one.keep(lambda _: None)
            first = one.process
            first.signal(signal.SIGKILL)
            await until(lambda: one.process is not first)
            await until(lambda: (tmp_path / "logs" / "child.log").read_text() == "77\nnone\n" * 2)
            await one.stop()

    asyncio.run(story())


def test_a_child_that_crashes_while_starting_again_is_tried_until_it_works(tmp_path: Path) -> None:
    said: list[str] = []
    broken = tmp_path / "broken"
    code = f"""
        import pathlib, sys, time
        if pathlib.Path({str(broken)!r}).exists(): sys.exit(3)
        print("ready", flush=True)
        time.sleep(60)
    """

    async def story() -> None:
        one = child(tmp_path, code)
        await one.start()
        one.keep(said.append)
        broken.touch()
        one.process.signal(signal.SIGKILL)
        await until(lambda: len(said) >= 2)
        broken.unlink()
        await until(lambda: one.process.returncode is None)
        await one.stop()

    asyncio.run(story())


def test_stop_takes_the_children_of_a_child_and_one_that_ignores_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    code = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
        print("ready", flush=True)
        time.sleep(60)
    """

    async def story() -> list[int]:
        one = child(tmp_path, code)
        await one.start()
        await one.stop()
        return [one.process.pid, int((tmp_path / "logs" / "child.log").read_text())]

    pids = asyncio.run(story())
    deadline = time.monotonic() + 5
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(psutil.pid_exists, pids))


def test_a_child_dies_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    child(tmp_path, GOOD)
    code = (
        "import asyncio, sys; from pathlib import Path; from stacks.local.processes import Child\n"
        "async def main():\n"
        "    one = Child('child', (sys.executable, sys.argv[1]), Path(sys.argv[2])); await one.start()\n"
        "    print(one.process.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "child.py"), str(tmp_path / "logs" / "child.log")]
    supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    orphan = psutil.Process(int(supervisor.stdout.readline()))
    supervisor.kill()
    supervisor.wait()
    assert psutil.wait_procs([orphan], timeout=5)[1] == []


def test_a_log_that_grew_too_large_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (processes.LOG_LIMIT + 1))

    async def story() -> None:
        one = child(tmp_path, GOOD)
        await one.start()
        await one.stop()

    asyncio.run(story())
    assert log.read_text() == "started\n"
    assert (tmp_path / "logs" / "child.log.1").stat().st_size == processes.LOG_LIMIT + 1


def test_restarts_come_at_once_first_then_slower_up_to_five_seconds_and_are_forgiven() -> None:
    backoff = Backoff()
    assert [backoff.delay(100.0 + i) for i in range(7)] == [0.0, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0]
    assert backoff.delay(106.0 + Backoff.FORGIVEN_AFTER) == 0.0
