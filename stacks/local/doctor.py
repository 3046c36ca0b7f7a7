"""What a machine must have, looked at one by one: what was found, and the remedy where it is not enough."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stacks.local import lock, postgres
from stacks.local import ports as machine_ports
from stacks.local.ports import PortTaken

FREE_NEEDED = 512  # MB: the database with its log of changes, and logs
FREE_WISHED = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """`needed`: without it nothing starts; otherwise it starts with less."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True


def examine(data: Path, port: int) -> list[Finding]:
    """Every finding, in the order in which one would mend them. Takes a few seconds: languages are tried out."""
    running = lock.holder(data) is not None
    found = [linux(), python(), programs(), root_namespace()]
    found += [] if running else [ports(port)]
    return [*found, writable(data), disk(data), *sandbox()]


def linux() -> Finding:
    return Finding("system", sys.platform == "linux", f"the system is {sys.platform}", "use Linux, or WSL 2 on Windows")


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), f"Python is {version}", "use Python 3.11 or newer")


def programs() -> Finding:
    """The programs that processes are started with."""
    missing = [name for name in ("setpriv", "unshare") if shutil.which(name, path=postgres.ENVIRONMENT["PATH"]) is None]
    if missing:
        return Finding("programs", False, f"{' and '.join(missing)} missing", "apt-get install util-linux")
    try:
        postgres.binaries()
    except postgres.PostgresFailed as error:
        return Finding("programs", False, "no PostgreSQL", str(error))
    return Finding("programs", True, "util-linux, PostgreSQL 16")


def root_namespace() -> Finding:
    """Root needs a user namespace for Postgres; anybody else needs nothing."""
    if os.geteuid():
        return Finding("user", True, f"uid {os.geteuid()}")
    tried = subprocess.run([*postgres.AS_NOBODY, "true"], capture_output=True, env=postgres.ENVIRONMENT, check=False)
    return Finding(
        "user",
        tried.returncode == 0,
        "root with user namespaces" if tried.returncode == 0 else "root without user namespaces",
        "run as an ordinary user, or set DATABASE_URL to another server",
    )


def ports(port: int) -> Finding:
    """The ports of HTTP API, WebSocket API and @connections."""
    numbers = machine_ports.around(port)
    try:
        for number in numbers:
            machine_ports.listen(number).close()
    except PortTaken as taken:
        return Finding("ports", False, taken.found, taken.remedy)
    return Finding("ports", True, f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]} are free")


def writable(data: Path) -> Finding:
    folder = standing(data)
    return Finding(
        "data folder", os.access(folder, os.W_OK | os.X_OK), f"{data}", f"make {folder} writable, or choose with --data"
    )


def disk(data: Path) -> Finding:
    free = shutil.disk_usage(standing(data)).free // 2**20
    remedy = f"free at least {FREE_NEEDED} MB, or put the data elsewhere with DATA=folder (make) or --data folder"
    return Finding("disk", free >= FREE_NEEDED, f"{free} MB free for {data}", remedy)


def standing(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(folder for folder in (path, *path.parents) if os.access(folder, os.F_OK))


def sandbox() -> list[Finding]:
    """Without it everything starts, and runs are refused."""
    from stacks.local.sandbox import examine as check

    found = check()
    if found.unavailable:
        return [Finding("sandbox", False, "runs are unavailable", found.unavailable, needed=False)]
    walls = ", ".join(f"{name} {how}" for name, how in found.isolation.items())
    offered = [Finding(name, True, version) for name, version in found.languages.items()]
    missing = [Finding(name, False, "is not offered", remedy, needed=False) for name, remedy in found.missing.items()]
    return [Finding("sandbox", True, walls), *offered, *missing]


def get(url: str, seconds: float = 2.0) -> str:
    """The status code of a GET, or in a word why there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path)
        return str(connection.getresponse().status)
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()
