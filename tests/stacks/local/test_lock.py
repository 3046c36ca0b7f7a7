from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.local import lock


def hold_elsewhere(data: Path) -> subprocess.Popen[str]:
    code = (
        "import sys, time; from pathlib import Path; from stacks.local import lock\n"
        "with lock.held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(data)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    other = hold_elsewhere(tmp_path)
    try:
        assert lock.holder(tmp_path) == other.pid
        with pytest.raises(lock.InUse, match=f"pid {other.pid}"), lock.held(tmp_path):
            pass
    finally:
        other.kill()
        other.wait()


def test_the_lock_of_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    other = hold_elsewhere(tmp_path)
    other.kill()
    other.wait()
    assert (tmp_path / lock.NAME).exists()
    assert lock.holder(tmp_path) is None
    with lock.held(tmp_path):
        assert lock.holder(tmp_path) == os.getpid()


def test_nothing_is_left_after_it(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    assert lock.holder(tmp_path) is None
