"""A sandbox that was started ahead and is used for one job: a few steps, one after the other, then it is destroyed.

jail = Jail.start(Setup(…))         about 50 ms; before there is a job
jail.folder.write(sources)
ending = jail.run(step, sink, halt)
jail.destroy()                      every process inside is gone after this
jail.folder.find(…)                 only now are files looked at
jail.close()
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from slipway_sandbox.jail import bubblewrap, cgroup, identity, interpreter, view
from slipway_sandbox.jail.bubblewrap import NoSandbox, Started
from slipway_sandbox.jail.cgroup import Slot
from slipway_sandbox.jail.control import Control, Gone
from slipway_sandbox.jail.folder import Folder
from slipway_sandbox.jail.halt import Halt
from slipway_sandbox.jail.identity import Identity
from slipway_sandbox.jail.step import Ending, Place, Sink, Step, StepRun
from slipway_sandbox.job import Limits

READY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Setup:
    """`folders`: toolchains outside of /usr, shown read-only. `disk_bytes` cannot be changed after the start."""

    folders: tuple[str, ...] = ()
    disk_bytes: int = Limits().disk_bytes
    control_group: bool = True  # use one where we may make one


@dataclass(slots=True)
class Jail:
    setup: Setup
    who: Identity
    started: Started
    control: Control
    folder: Folder
    folders: tuple[int, ...]  # descriptors of every place that can be written
    slot: Slot | None
    isolation: Mapping[str, str]
    alive: bool = True

    @classmethod
    def start(cls, setup: Setup | None = None) -> Jail:
        """Raises NoSandbox. The sandbox dies with the thread that calls this."""
        return _start(setup or Setup())

    def run(self, step: Step, sink: Sink, halt: Halt | None = None) -> Ending:
        """Run one step to its end. Every process it started is gone afterwards, and its output was passed on."""
        if not self.alive:
            return Ending(status="lost", reason="the sandbox had ended before this step")
        place = Place(self.control, self.who, self.started.pid, self.slot, self.folders)
        return StepRun(place, step, sink, halt, self.destroy).run()

    def destroy(self) -> None:
        """Kill every process inside and wait until the last has gone. The folder stays readable."""
        if self.alive:
            self.alive = False
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.started.pidfd, signal.SIGKILL)
            select.select([self.started.pidfd], [], [])  # process 1 ends after all of its namespace
            self.started.process.wait()

    def close(self) -> None:
        """Destroy it and drop its file systems whole. May be called twice."""
        self.destroy()
        if self.folders:
            os.close(self.started.pidfd)
            self.control.close()
            for fd in self.folders:
                os.close(fd)
            self.folders = ()
            if self.slot:
                self.slot.remove()

    def __enter__(self) -> Jail:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _start(setup: Setup) -> Jail:
    said = ""
    for who in identity.candidates(_folders(setup)):
        try:
            return _start_as(who, setup)
        except NoSandbox as error:
            said = said or str(error)
    raise NoSandbox(said)


def _folders(setup: Setup) -> tuple[str, ...]:
    prefix = interpreter.find().prefix
    return tuple(dict.fromkeys((*setup.folders, *((prefix,) if prefix else ()))))


def _start_as(who: Identity, setup: Setup) -> Jail:
    ours, theirs = socket.socketpair()
    control = Control(ours)
    opened: list[int] = []
    with tempfile.TemporaryFile() as errors, theirs:
        try:
            args = view.arguments(setup.disk_bytes, _folders(setup), opened)
            command = [interpreter.find().path, "-I", "-S", "-B", view.INIT, str(theirs.fileno())]
            started = bubblewrap.start(bubblewrap.find(), args, [theirs.fileno(), *opened], command, who, errors)
            theirs.close()
            return _ready(setup, who, started, control)
        except NoSandbox as error:
            control.close()
            errors.seek(0)
            said = errors.read(2000).decode(errors="replace").strip().replace("\n", "; ")
            raise NoSandbox(bubblewrap.remedy(said) if said else str(error)) from None
        finally:
            for fd in opened:
                os.close(fd)


def _ready(setup: Setup, who: Identity, started: Started, control: Control) -> Jail:
    slot = cgroup.make() if setup.control_group else None  # while it comes up: this takes some 10 ms
    fds: list[int] = []
    try:
        message = control.receive(READY_SECONDS, fds)
    except Gone:
        message = None
    if message is None or len(fds) != 2:
        started.process.kill()
        started.process.wait()
        for fd in (started.pidfd, *fds):
            os.close(fd)
        if slot:
            slot.remove()
        raise NoSandbox("the sandbox did not come up")
    slot = _enter(slot, started) if slot else None
    return Jail(setup, who, started, control, Folder(fds[0], who), (fds[0], fds[1]), slot, _isolation(who, slot))


def _enter(slot: Slot, started: Started) -> Slot | None:
    """Only now, so that the memory process 1 took to come up is not the run's. None where we may not move it."""
    try:
        slot.enter(started.pid)
    except OSError:
        slot.remove()
        return None
    return slot


def _isolation(who: Identity, slot: Slot | None) -> dict[str, str]:
    """What this sandbox enforces, and by what; written into every result."""
    watched = "watched; memfd and tmpfs pages that no process maps are not counted"
    return {
        "mechanism": f"bubblewrap {bubblewrap.find().version}",
        "network": "none but loopback",
        "processes_seen": "own",
        "uid": "of this run alone" if who.own else "that of the platform, mapped",
        "capabilities": "none",
        "user_namespaces": "refused",
        "cgroup": slot.version if slot else "none",
        "memory": "control group" if slot else watched,
        "processes": "control group" if slot else "rlimit and watched",
        "cpu": "control group and rlimit" if slot else "rlimit and watched",
        "disk": "sized tmpfs",
    }
