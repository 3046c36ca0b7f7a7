"""Files come out of a run only when they are files: the program inside chooses their names and what they are."""

from __future__ import annotations

from typing import Any

import pytest
from slipway_sandbox.jail.folder import matches
from slipway_sandbox.job import BadJob, check_path


def test_files_that_match_are_kept(run: Any) -> None:
    program = (
        "import os\nos.makedirs('out/deep')\nopen('out/deep/a.bin', 'wb').write(bytes(range(256)))\nopen('b', 'w')"
    )
    assert run(program, keep=("out/**",)).kept == {"out/deep/a.bin": bytes(range(256))}


@pytest.mark.timeout(30)
def test_links_fifos_and_sockets_are_not_followed(run: Any) -> None:
    program = """
import os, socket
os.mkdir("out")
os.symlink("/etc/passwd", "out/file")
os.symlink("/etc", "out/folder")
os.symlink("..", "out/up")
os.symlink("/proc/self/root/etc/passwd", "out/proc")
os.mkfifo("out/fifo")
socket.socket(socket.AF_UNIX).bind("out/socket")
open("out/line\\nbreak", "w").write("x")
os.mkdir("out/closed"); open("out/closed/x", "w"); os.chmod("out/closed", 0)
open("out/unreadable", "w"); os.chmod("out/unreadable", 0)
open("out/plain", "w").write("kept")
"""
    kept = run(program, keep=("**",)).kept
    assert kept.pop("main.py")
    assert kept == {"out/plain": b"kept"}


def test_a_folder_swapped_for_a_link_is_not_entered(run: Any) -> None:
    ran = run("import os\nos.rename('data', 'old')\nos.symlink('/etc', 'data')", keep=("data/**", "old/*"))
    assert ran.kept == {}
    ran = run(
        {"main.py": "import os\nos.rename('data', 'old')\nos.symlink('/etc', 'data')", "data/x": "1"}, keep=("*/*",)
    )
    assert ran.kept == {"old/x": b"1"}


def test_sources_must_stay_inside(run: Any) -> None:
    for path in ("../x", "/etc/x", "a//b", "a/./b", "", "a\0b", "a\\b", "x" * 300, "\udc80"):
        with pytest.raises(BadJob):
            check_path(path)
    assert run({"main.py": "print(1)", "a": "1", "a/b": "2"}).result.status == "never_started"


def test_sources_that_do_not_fit_never_start(run: Any) -> None:
    ran = run({"main.py": "pass", "big": b"x" * 300_000}, limits={"disk_bytes": 100_000})
    assert ran.result.status == "never_started"
    assert "big" in ran.result.reason


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("out/**", "out/a/b", True),
        ("out/**", "out/a", True),
        ("out/**", "out", False),
        ("**", "a/b/c", True),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "x/y/a.txt", True),
        ("*.txt", "x/a.txt", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/x/y/c", False),
        ("report.?sv", "report.csv", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


@pytest.mark.timeout(5)
def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches("/".join(["a"] * 200), "/".join(["**", "a"] * 200 + ["b"]))
    assert not matches("a" * 250, "a*" * 120 + "b")
