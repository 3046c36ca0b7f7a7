"""A worker: started ahead, takes one job, runs it in the sandbox, reports, ends.

    python -m slipway_sandbox.worker --bind 127.0.0.1:0 [--languages JSON] [--disk-bytes N] [--die-with-parent]

Prints one JSON line when it is ready: {"ready": true, "address": …, "languages": {…}, "isolation": {…}}, and another when
it has taken its job, so that whoever keeps workers warm starts the next one: {"busy": true}. Exit codes:
0 the run was reported, or there was none; 1 its result could not be delivered; 2 this host cannot run sandboxes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slipway_sandbox.address import BadAddress, parse
from slipway_sandbox.channel import Deadline, Stale, Undelivered
from slipway_sandbox.door import Door
from slipway_sandbox.execution import COMPILE, execute
from slipway_sandbox.fetch import Unfetched, fetch
from slipway_sandbox.jail.bubblewrap import NoSandbox
from slipway_sandbox.jail.halt import Halt
from slipway_sandbox.jail.jail import Jail, Setup
from slipway_sandbox.job import BadJob, Limits, Result
from slipway_sandbox.languages.registry import folders
from slipway_sandbox.manifest import Manifest
from slipway_sandbox.report import Report

REPORT_SECONDS = 60.0  # how long reports are repeated after the job's own time is over
TERM_SECONDS = 20.0  # how long after SIGTERM; SIGKILL may follow ten seconds later


class Worker:
    """Single use. Everything but the door and the reports happens in the main thread: sandboxes die with theirs."""

    def __init__(self, languages: Mapping[str, str], disk_bytes: int) -> None:
        self.languages = languages
        self.halt = Halt()
        self.inbox: queue.SimpleQueue[Manifest | None] = queue.SimpleQueue()
        self.deadline = Deadline(float("inf"))
        self.jail = Jail.start(Setup(folders=folders(), disk_bytes=disk_bytes))

    def terminate(self, *_: Any) -> None:
        """SIGTERM."""
        self.deadline.sooner(TERM_SECONDS)
        self.halt.request("lost", "the worker was told to stop")
        self.inbox.put(None)

    def cancel(self) -> None:
        self.halt.request("cancelled", "the run was cancelled")

    def work(self) -> int:
        """Wait for the job and see it through; the exit code."""
        manifest = self.inbox.get()
        if manifest is None:
            return 0
        print('{"busy": true}', flush=True)
        limits = manifest.job.limits
        self.deadline.at = min(
            self.deadline.at, time.monotonic() + limits.wall_seconds + COMPILE.wall_seconds + REPORT_SECONDS
        )
        report = Report(manifest, self.halt, self.deadline)
        result = self._run(manifest, report)
        try:
            report.finish(result, self.jail.folder)
        except Stale:
            return 0
        except Undelivered as error:
            print(f"the result of {manifest.run_id} could not be delivered: {error}", file=sys.stderr)
            return 1
        return 0

    def _run(self, manifest: Manifest, report: Report) -> Result:
        try:
            job = manifest.job
            if manifest.bundle:
                job = replace(job, sources=fetch(manifest.bundle))
            if job.limits.disk_bytes > self.jail.setup.disk_bytes:
                self.jail.close()
                self.jail = Jail.start(replace(self.jail.setup, disk_bytes=job.limits.disk_bytes))
        except Unfetched as error:
            return Result(status="lost", reason=str(error), isolation=self.jail.isolation)
        except (BadJob, NoSandbox) as error:
            return Result(status="never_started", reason=str(error), isolation=self.jail.isolation)
        return execute(self.jail, job, self.languages, report.output.put, self.halt)

    def close(self) -> None:
        self.jail.close()
        self.halt.close()


def serve(
    bind: str = "127.0.0.1:0",
    languages: Mapping[str, str] | None = None,
    disk_bytes: int = Limits().disk_bytes,
    die_with_parent: bool = False,
) -> int:
    """Serve one job; the exit code. Without `languages` (name to version) it finds out, which takes half a second."""
    if die_with_parent:
        _follow_parent()
    try:
        host, port = parse(bind)
        worker = Worker(languages if languages is not None else _languages(), disk_bytes)
    except (NoSandbox, BadAddress) as error:
        print(json.dumps({"ready": False, "reason": str(error)}), flush=True)
        return 2
    signal.signal(signal.SIGTERM, worker.terminate)
    try:
        door = Door(host, port, worker.inbox.put, worker.cancel)
        door.open()
        ready = {"address": door.address, "languages": worker.languages, "isolation": worker.jail.isolation}
        print(json.dumps({"ready": True, **ready}), flush=True)
        return worker.work()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker.close()


def _languages() -> Mapping[str, str]:
    """What the self-tests found. Raises NoSandbox when a wall does not stand: better no run than an open one."""
    from slipway_sandbox.check import check

    checkup = check()
    if not checkup.usable:
        raise NoSandbox("; ".join(checkup.problems) or "no language passes its self-test")
    return checkup.languages


def _follow_parent() -> None:
    """End with the process that started us. Not by PDEATHSIG: that is about the thread that did, which may end."""
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os.kill(os.getpid(), signal.SIGKILL)  # the sandbox dies with us

    threading.Thread(target=follow, name="parent", daemon=True).start()


def main() -> int:
    parser = argparse.ArgumentParser(prog="slipway_sandbox.worker", description="Run one job in a sandbox.")
    parser.add_argument("--bind", default="127.0.0.1:0", help="address to listen on, or auto[:port] in an ECS task")
    parser.add_argument("--languages", type=json.loads, help="what a check has found: a JSON object, name to version")
    parser.add_argument("--disk-bytes", type=int, default=Limits().disk_bytes, help="what most jobs are limited to")
    parser.add_argument("--die-with-parent", action="store_true")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        return serve(options.bind, options.languages, options.disk_bytes, options.die_with_parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
