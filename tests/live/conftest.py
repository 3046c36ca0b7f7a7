"""The platform as its people run it: `slipway up` in a process of its own, spoken to over HTTP and WebSocket only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from scripts.client import Client
from stacks.local import machine as machines
from stacks.local.machine import Machine

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Platform:
    """A running platform. `pids` finds its processes by what they run."""

    process: subprocess.Popen[bytes]
    data: Path
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def machine(self) -> Machine:
        return machines.load(self.data)

    def client(self) -> Client:
        return Client(self.base_url)

    def pids(self, command: str) -> list[int]:
        """Descendants whose command line contains `command` (`stacks.local.gateway`, `slipway_sandbox.worker`, …)."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if command in " ".join(child.cmdline()):
                    found.append(child.pid)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def kill(self, command: str, sign: int = signal.SIGKILL) -> list[int]:
        pids = self.pids(command)
        for pid in pids:
            os.kill(pid, sign)
        return pids

    def log(self, name: str) -> str:
        return (self.data / "logs" / f"{name}.log").read_text(errors="replace")


def free_ports() -> int:
    """A port with two free ones after it."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port


def start(data: Path, port: int | None = None) -> Platform:
    """Start and wait for /health; the output is in `data`.out."""
    port = port or free_ports()
    out = data.with_suffix(".out").open("ab")
    command = [sys.executable, "-m", "stacks.local.cli", "up", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    platform = Platform(process, data, port)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{platform.base_url}/health", timeout=2):
                if "languages" in data.with_suffix(".out").read_text():
                    return platform
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the platform did not start:\n{data.with_suffix('.out').read_text()}")


def stop(platform: Platform) -> None:
    if platform.process.poll() is None:
        platform.process.send_signal(signal.SIGTERM)
        platform.process.wait(30)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform per file of tests: a file that breaks things breaks only its own."""
    platform = start(tmp_path_factory.mktemp("platform") / "data")
    yield platform
    stop(platform)


@pytest.fixture
def client(platform: Platform) -> Client:
    """A new person's client."""
    client = platform.client()
    client.register("Ann")
    return client


@pytest.fixture
def eventually() -> Callable[[Callable[[], object], float], None]:
    """Wait until a condition holds, or fail with its last value."""

    def wait(condition: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
            time.sleep(0.1)

    return wait
