"""Servers for the time of a benchmark."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.bench.ground import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class NotStarted(RuntimeError):
    """A server ended, or did not answer in time; says where its log is."""


@contextmanager
def server(
    arguments: Sequence[str], port: int, path: str, log: Path, environment: Mapping[str, str], says: str = ""
) -> Iterator[None]:
    """`python -m arguments…`, from its first answer on `path` (of any status), and from when its log has the word
    `says`, to its end by SIGTERM."""
    with log.open("wb") as file:
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (answers(port, path) and says in log.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{' '.join(arguments[:2])} does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def free_ports() -> int:
    """A port that is free together with the two after it, as a machine needs them."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port
    raise NotStarted("no three free ports beside each other were found: try again")
