"""`python -m stacks.local.consumers` as the supervisor starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from stacks.local.machine import Machine
from tests.capabilities.declared import until

ROOT = Path(__file__).resolve().parents[2]


def process(data: str, *wrapper: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers/core"), str(ROOT / "layers/sandbox")])
    return subprocess.Popen(
        [*wrapper, sys.executable, "-m", "stacks.local.consumers", data],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_process_says_ready_and_ends_at_sigterm(machine: Machine) -> None:
    machine.save()
    child = process(machine.data)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(12) == 0
    child.communicate()


def test_the_process_dies_with_the_one_that_started_it(machine: Machine) -> None:
    machine.save()
    start = (
        "import subprocess, sys; "
        f"p = subprocess.Popen([sys.executable, '-m', 'stacks.local.consumers', {machine.data!r}]); "
        "print(p.pid, flush=True); p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    try:
        until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        parent.stdout.close()


def test_a_folder_without_a_machine_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    child = process(str(tmp_path))
    _, said = child.communicate(timeout=20)
    assert child.returncode == 3
    assert said.startswith(f"consumers cannot start on {tmp_path}: ")
    assert said.count("\n") == 1
