"""The Python of the sandbox: it runs process 1 inside, and the programs written in Python."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slipway_sandbox.jail.identity import open_to_all

DISTRIBUTION = "/usr/bin/python3"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`prefix` is the folder to show inside when it is not part of /usr."""

    path: str
    prefix: str | None


@cache
def find() -> Interpreter:
    """Ours, without its virtual environment; the distribution's when root runs us from a folder that only root may
    enter, because a sandbox with a uid of its own could not. Where there is no other, ours all the same."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    path, prefix = os.path.realpath(base), os.path.realpath(sys.base_prefix)
    if Path(prefix).is_relative_to("/usr"):
        return Interpreter(path, None)
    if os.geteuid() == 0 and not open_to_all(prefix) and Path(DISTRIBUTION).exists():
        return Interpreter(os.path.realpath(DISTRIBUTION), None)
    return Interpreter(path, prefix)
