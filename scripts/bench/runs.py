"""From the POST of a Python hello-world run to its first log line on the WebSocket, on an idle platform.

Beside it the bare sandbox: bubblewrap with the same interpreter and program, from its start to the first line.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from slipway_sandbox.jail import bubblewrap, interpreter

from scripts.bench import samples
from scripts.bench.platform import PROGRAM, Author, platform
from scripts.bench.report import Figure

TURNS = 20
REST_SECONDS = 1.0  # a run's worker is used up: idle means that the next one waits again
FIRST_LINE_MS, ABOVE_BARE_MS = 150, 60


class RunFailed(RuntimeError):
    """A run did not do what the program says."""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, platform(Path(folder)) as base_url:
        author = Author(base_url)
        command = bare_command(Path(folder))
        for _ in range(2):
            measured(author)
            bare(command)
        found = samples.in_turn(TURNS, {"platform": lambda: measured(author), "bare": lambda: bare(command)})
        author.close()
    above = samples.spread([whole - own for whole, own in zip(found["platform"], found["bare"], strict=True)])
    whole = samples.spread(found["platform"])
    return [
        Figure(
            "POST to first line on the WebSocket",
            whole.text("ms", 0),
            f"≤ {FIRST_LINE_MS} ms",
            whole.median <= FIRST_LINE_MS,
        ),
        Figure("above the bare sandbox", above.text("ms", 0), f"≤ {ABOVE_BARE_MS} ms", above.median <= ABOVE_BARE_MS),
        Figure("bare sandbox: bubblewrap, the same interpreter", samples.spread(found["bare"]).text("ms", 0)),
    ]


def measured(author: Author) -> float:
    time.sleep(REST_SECONDS)
    outcome = author.run()
    if not outcome.good:
        raise RunFailed(outcome.what)
    return outcome.first_line


def bare_command(folder: Path) -> list[str]:
    """Namespaces and nothing else: no limits, no seccomp, no accounts, no report."""
    python = interpreter.find()
    work = folder / "bare"
    work.mkdir(mode=0o755)
    (work / "main.py").write_bytes(PROGRAM)
    shown = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - inside
    shown += [word for name in ("bin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    shown += ["--ro-bind", python.prefix, python.prefix] if python.prefix else []
    shown += ["--ro-bind", str(work), "/work", "--chdir", "/work"]
    settings = ["--clearenv", "--setenv", "PYTHONUNBUFFERED", "1", "--setenv", "PYTHONDONTWRITEBYTECODE", "1"]
    return [
        bubblewrap.find().path,
        "--unshare-all",
        "--die-with-parent",
        *shown,
        *settings,
        "--",
        python.path,
        "main.py",
    ]


def bare(command: list[str]) -> float:
    """Milliseconds to the first line."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        first = (time.perf_counter() - begin) * 1000
    if line != b"hello world\n" or process.returncode:
        raise RunFailed(f"the bare sandbox said {line!r} and ended with {process.returncode}")
    return first
