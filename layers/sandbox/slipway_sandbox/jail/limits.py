"""The limits that the kernel keeps for each process by itself, and how an ended process tells that it met one."""

from __future__ import annotations

import math
import os
import re
import signal

from slipway_sandbox.job import Limits, Status, signal_name

ADDRESSES = 1024 * 1024 * 1024  # what a runtime may reserve beyond its memory without touching it
SLACK = 8  # processes beyond the limit, so that a watch can tell who needs more from who uses all it has


def rlimits(limits: Limits, *, group: bool, reserves: bool) -> dict[str, int]:
    """For one step. `group`: a control group bounds memory and processes; `reserves`: the runtime reserves address
    space by the gigabyte (Node), so that bounding it would stop it from starting.

    The stack stays as it is: a large RLIMIT_STACK with RLIMIT_DATA makes Node hang.
    """
    chosen = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": math.ceil(limits.cpu_seconds),
        "RLIMIT_FSIZE": min(limits.file_bytes, limits.disk_bytes),
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_MSGQUEUE": 0,
    }
    if not group and not reserves:
        chosen["RLIMIT_AS"] = limits.memory_bytes + ADDRESSES
    if _counts_per_namespace():
        chosen["RLIMIT_NPROC"] = limits.processes + 1 + SLACK  # and process 1
    return chosen


def _counts_per_namespace() -> bool:
    """Since Linux 5.14 RLIMIT_NPROC counts within the user namespace; before, all processes of our caller."""
    match = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return match is not None and (int(match[1]), int(match[2])) >= (5, 14)


def ended(status: int) -> tuple[Status, int | None, str | None, str | None]:
    """(status, exit code, signal, reason) of a raw wait status."""
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        return ("failed" if code else "succeeded"), code, None, None
    number = os.WTERMSIG(status)
    name = signal_name(number)
    if number == signal.SIGXCPU:
        return "timed_out", None, name, "one process used all the CPU time that the run may use"
    if number == signal.SIGXFSZ:
        return "disk_exceeded", None, name, "a file grew beyond the size that one file may have"
    return "signalled", None, name, f"the program ended by {name}"
