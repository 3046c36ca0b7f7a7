"""What the sandbox can do on this machine, found out by its own check in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from stacks.local.workers import Sandbox

SECONDS = 60.0


def examine() -> Sandbox:
    """Takes a second: each language runs a program. Never raises: what does not work is said in `unavailable`."""
    command = [sys.executable, "-m", "slipway_sandbox.check", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Sandbox(unavailable=f"the sandbox's check did not end in {SECONDS:.0f} s: run slipway doctor")
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Sandbox(unavailable=f"the sandbox's check failed ({last}): run slipway doctor")
    return read(said)


def read(said: dict[str, Any]) -> Sandbox:
    """The check's answer; when a wall does not stand, no language is offered: better no run than an open one."""
    problems = "; ".join(said["problems"])
    if problems or not said["languages"]:
        return Sandbox(missing=said["missing"], unavailable=problems or "no language passes its self-test")
    return Sandbox(said["languages"], said["missing"], said["isolation"])
