"""Process 1 of the sandbox: starts one step at a time, waits for it, and leaves nothing of it alive.

Runs inside, as `python -I -S init.py CONTROL_FD`, and imports nothing but the standard library. It is of the same
uid as the code it starts; that it cannot be traced or signalled by it rests on two facts: it is not dumpable, and
it is process 1 without handlers for the signals that end a process. Whoever reads its messages trusts them no
more than the code inside: they say how a run ended, never what the host should do.

Messages are JSON lines over a Unix stream socket:
    out  {"ready": true} with descriptors of the run's directory and of /tmp
    in   {"argv": […], "env": {…}, "rlimits": {"RLIMIT_…": n}} with stdin, stdout, stderr
    in   {"end": true}                     end the current step, if there is one
    out  {"ended": raw wait status} or {"refused": errno}
    out  {"empty": true, "cpu_ms": n, "peak_bytes": n}    every process of the step is gone
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

WORK, TEMPORARY = "/job", "/tmp"  # noqa: S108 - the sandbox's own
PR_SET_DUMPABLE = 4
FREED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)  # Python's own choices, not for those who come after


class Control:
    """Whole messages from a stream, with the descriptors that came along."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self.socket = socket.socket(fileno=fd)
        self.pending = b""
        self.fds: list[int] = []

    def receive(self) -> dict[str, Any]:
        """The next message; ends the process, and with it the sandbox, when the other side is gone."""
        while b"\n" not in self.pending:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 3)
            if not data:
                os._exit(0)
            self.pending += data
            self.fds += fds
        line, _, self.pending = self.pending.partition(b"\n")
        return dict(json.loads(line))

    def take_fds(self) -> list[int]:
        fds, self.fds = self.fds, []
        return fds

    def send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.socket, [json.dumps(message).encode() + b"\n"], list(fds))


def start(step: dict[str, Any], stdio: list[int]) -> tuple[int, int]:
    """(pid, 0), or (0, errno) when the program cannot be executed."""
    told, tell = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        become(step, stdio, tell)
    os.close(tell)
    for fd in stdio:
        os.close(fd)
    failure = os.read(told, 16)  # end of file is a successful exec: the descriptor closes by itself
    os.close(told)
    if failure:
        os.waitpid(pid, 0)
        return 0, int(failure)
    return pid, 0


def become(step: dict[str, Any], stdio: list[int], tell: int) -> None:
    """Turn this child into the program; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (*FREED, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # its own /proc must be its own to write
        Path("/proc/self/oom_score_adj").write_text(
            "1000"
        )  # when memory runs out, this one goes and process 1 stays to tell
        for target, fd in enumerate(stdio):
            os.dup2(fd, target)
        os.closerange(3, tell)
        os.closerange(tell + 1, 65536)
        os.chdir(WORK)
        os.umask(0o022)
        for name, value in step["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (value, value))
        os.execve(step["argv"][0], step["argv"], step["env"])  # noqa: S606 - no shell is the point
    except OSError as error:
        os.write(tell, str(error.errno).encode())
    except ValueError:  # a limit above the hard limit of this host
        os.write(tell, b"22")
    finally:
        os._exit(127)


class Reaper:
    """Waits for every process inside; the sums are over those it has reaped."""

    def __init__(self, main: int) -> None:
        self.main = main
        self.status: int | None = None
        self.cpu = 0.0
        self.peak = 0  # KiB, of the largest single process

    def reap(self) -> bool:
        """Reap who has ended; False when nobody is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.cpu += usage.ru_utime + usage.ru_stime
            self.peak = max(self.peak, usage.ru_maxrss)
            if pid == self.main:
                self.status = status

    def empty(self, wakeup: int) -> None:
        """Kill until nobody is left; a survivor that forks is caught by the next round."""
        while True:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            if not self.reap():
                return
            select.select([wakeup], [], [], 0.02)
            drain(wakeup)


def drain(wakeup: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(wakeup, 4096)


def run(control: Control, step: dict[str, Any], wakeup: int) -> None:
    pid, refused = start(step, control.take_fds())
    if refused:
        control.send({"refused": refused})
        control.send({"empty": True, "cpu_ms": 0, "peak_bytes": 0})
        return
    reaper = Reaper(pid)
    while reaper.reap() and reaper.status is None:
        readable, _, _ = select.select([control.socket.fileno(), wakeup], [], [])
        drain(wakeup)
        if control.socket.fileno() in readable and control.receive().get("end"):
            break
    reaper.empty(wakeup)
    control.send({"ended": reaper.status})
    control.send({"empty": True, "cpu_ms": int(reaper.cpu * 1000), "peak_bytes": reaper.peak * 1024})


def main() -> None:
    fd = int(sys.argv[1])
    os.closerange(3, fd)
    os.closerange(fd + 1, 65536)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    wakeup, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control = Control(fd)
    folders = tuple(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for path in (WORK, TEMPORARY))
    control.send({"ready": True}, folders)
    for folder in folders:
        os.close(folder)
    while True:
        step = control.receive()
        if "argv" in step:  # an "end" that crossed with the end of its step finds nothing to do
            run(control, step, wakeup)


if __name__ == "__main__":
    main()
