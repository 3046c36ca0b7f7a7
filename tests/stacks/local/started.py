"""A real `slipway up` for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil


class Up:
    """A `slipway up` in a process of its own."""

    def __init__(self, data: Path, port: int, *options: str, within: tuple[str, ...] = (), **environment: str) -> None:
        command = [sys.executable, "-m", "stacks.local.cli", "up", "--data", str(data), "--port", str(port)]
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [*within, *command, "--workers", "1", "--http-processes", "2", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.data, self.port = data, port

    def ready(self) -> dict[str, Any]:
        assert self.process.stdout and self.process.stderr
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.seconds = time.monotonic() - self.begun
        facts: dict[str, Any] = json.loads(line)
        return facts

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def refusal(self) -> tuple[int, str]:
        """Exit code, and what it says last."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors.strip().splitlines()[-1]
