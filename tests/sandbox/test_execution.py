"""Honest programs run as they would at home; what they do is told exactly."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from slipway_sandbox.jail.halt import Halt


@pytest.mark.parametrize(
    ("name", "program", "language"),
    [
        ("main.py", "print('hello')", "python"),
        ("index.js", "console.log('hello')", "javascript"),
        ("main.sh", "echo hello", "shell"),
        ("main.c", '#include <stdio.h>\nint main(void){puts("hello");return 0;}', "c"),
    ],
)
def test_each_language_is_told_from_its_file_and_runs(run: Any, name: str, program: str, language: str) -> None:
    ran = run({name: program})
    assert (ran.result.status, ran.result.exit_code, ran.stdout, ran.stderr) == ("succeeded", 0, b"hello\n", b"")
    assert ran.result.language == language
    assert ran.result.language_version
    assert ran.result.wall_ms < 10_000
    assert 1_000_000 < ran.result.peak_memory_bytes < 200_000_000


def test_files_import_each_other(run: Any) -> None:
    ran = run({"main.py": "from lib.words import word\nprint(word)", "lib/__init__.py": "", "lib/words.py": "word = 7"})
    assert ran.stdout == b"7\n"
    ran = run({"a.c": "int f(void){return 3;}", "main.c": "int f(void);int main(void){return f();}"})
    assert ran.result.exit_code == 3


def test_stdin_arguments_and_environment_arrive(run: Any) -> None:
    program = "import os, sys\nprint(sys.stdin.read(), sys.argv[1:], os.environ['COLOUR'])"
    ran = run(program, stdin=b"in \xc3\xa9", arguments=("-x", "a b"), environment={"COLOUR": "blue"})
    assert ran.stdout.decode() == "in é ['-x', 'a b'] blue\n"


def test_a_large_stdin_ends_by_itself(run: Any) -> None:
    ran = run("import sys\nprint(len(sys.stdin.buffer.read()))", stdin=b"x" * 3_000_000)
    assert ran.stdout == b"3000000\n"


@pytest.mark.parametrize("code", [1, 77, 124, 128, 137, 139, 255])
def test_an_exit_code_is_an_exit_code(run: Any, code: int) -> None:
    ran = run(f"raise SystemExit({code})")
    assert (ran.result.status, ran.result.exit_code, ran.result.signal) == ("failed", code, None)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM"])
def test_a_signal_is_a_signal(run: Any, name: str) -> None:
    ran = run(f"import os, signal\nos.kill(os.getpid(), signal.{name})")
    assert (ran.result.status, ran.result.exit_code, ran.result.signal) == ("signalled", None, name)


def test_a_compilation_that_fails_says_so(run: Any) -> None:
    ran = run({"main.c": "int main(void) { return missing; }"})
    assert ran.result.status == "failed"
    assert "compilation" in (ran.result.reason or "")
    assert b"missing" in ran.stderr


def test_a_compiler_reads_no_file_of_the_host(run: Any) -> None:
    ran = run({"main.c": '#include "/etc/shadow"\nint main(void){return 0;}'})
    assert ran.result.status == "failed"
    assert b"No such file" in ran.stderr


def test_output_is_passed_on_as_it_comes(run: Any) -> None:
    ran = run("import time\nprint(1)\ntime.sleep(0.5)\nprint(2)")
    assert ran.stdout == b"1\n2\n"
    assert ran.times[-1] - ran.times[0] > 0.4


def test_any_bytes_pass(run: Any) -> None:
    ran = run("import sys\nsys.stdout.buffer.write(bytes(range(256)) + b'x' * 1_000_000)\nsys.stderr.write('e')")
    assert ran.stdout == bytes(range(256)) + b"x" * 1_000_000
    assert ran.stderr == b"e"
    assert not ran.result.truncated


def test_output_can_be_reopened_by_name(run: Any) -> None:
    assert run({"main.sh": "echo one > /dev/stdout; echo two > /dev/stderr"}).stdout == b"one\n"


def test_a_daemon_does_not_outlive_its_run(run: Any) -> None:
    started = time.monotonic()
    ran = run({"main.sh": "setsid sh -c 'sleep 1000' & sleep 1000 & echo started"})
    assert (ran.result.status, ran.stdout) == ("succeeded", b"started\n")
    assert time.monotonic() - started < 5


def test_a_job_without_a_usable_file_never_starts(run: Any) -> None:
    ran = run({"notes.txt": "hello"})
    assert ran.result.status == "never_started"
    assert "main.py" in (ran.result.reason or "")
    assert run("print(1)", language="cobol").result.status == "never_started"
    assert run("print(1)", entry="other.py").result.status == "never_started"


def test_a_cancelled_run_ends_at_once(run: Any) -> None:
    halt = Halt()
    threading.Timer(0.5, halt.request, ("cancelled", "enough")).start()
    ran = run("import time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1)\ntime.sleep(60)", halt=halt)
    assert (ran.result.status, ran.result.reason, ran.stdout) == ("cancelled", "enough", b"1\n")
    assert ran.result.wall_ms < 3000
    halt.close()
