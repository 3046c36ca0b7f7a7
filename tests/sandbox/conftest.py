"""A real sandbox for every test; where control groups may be made, each test runs with and without one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from slipway_sandbox import check
from slipway_sandbox.execution import execute
from slipway_sandbox.jail import cgroup
from slipway_sandbox.jail.halt import Halt
from slipway_sandbox.jail.jail import Jail, Setup
from slipway_sandbox.job import Job, Limits, Result, Source
from slipway_sandbox.languages.registry import folders


@dataclass
class Ran:
    """How a job ended, what it printed, and which files it left (`keep` patterns)."""

    result: Result
    stdout: bytes = b""
    stderr: bytes = b""
    times: list[float] = field(default_factory=list)
    kept: dict[str, bytes | None] = field(default_factory=dict)


Run = Callable[..., Ran]
QUICK = Limits(wall_seconds=10, cpu_seconds=10)


@pytest.fixture(scope="session")
def languages() -> dict[str, str]:
    found = check.check()
    assert found.usable, f"this host cannot run sandboxes: {found.problems}"
    return dict(found.languages)


def _can_group() -> bool:
    slot = cgroup.make()
    if slot:
        slot.remove()
    return slot is not None


GROUPED = [True, False] if _can_group() else [False]


@pytest.fixture(params=GROUPED, ids=lambda grouped: "grouped" if grouped else "watched")
def run(request: pytest.FixtureRequest, languages: dict[str, str]) -> Run:
    def start(
        files: dict[str, str | bytes] | str, keep: tuple[str, ...] = (), halt: Halt | None = None, **fields: object
    ) -> Ran:
        files = {"main.py": files} if isinstance(files, str) else files
        sources = tuple(Source(p, c.encode() if isinstance(c, str) else c) for p, c in files.items())
        limits = replace(QUICK, **fields.pop("limits", {}))  # type: ignore[call-overload]
        job = Job(sources=sources, limits=limits, **fields)  # type: ignore[arg-type]
        ran = Ran(Result(status="lost"))

        def sink(stream: str, data: bytes, at: float) -> None:
            setattr(ran, stream, getattr(ran, stream) + data)
            ran.times.append(at)

        setup = Setup(folders(), limits.disk_bytes, control_group=request.param)
        with Jail.start(setup) as jail:
            ran.result = execute(jail, job, languages, sink, halt)
            for path in jail.folder.find(keep):
                fd = jail.folder.open(path)
                if fd is not None:
                    with os.fdopen(fd, "rb") as file:
                        ran.kept[path] = file.read()
        return ran

    return start
