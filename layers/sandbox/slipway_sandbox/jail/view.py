"""What a sandbox sees of the host: its programs, read-only, and nothing of anybody's. As bubblewrap's arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

WORK = "/job"  # no host has its programs there
TEMPORARY = "/tmp"  # noqa: S108 - the sandbox's own
SHARED = "/dev/shm"  # noqa: S108
UID = 1000
INIT = "/etc/sandbox/init.py"
SHARED_BYTES = 64 * 1024 * 1024  # of /dev/shm
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("/etc/alternatives", "/etc/ld.so.cache")
FILES = {
    "/etc/passwd": f"root:x:0:0:root:/:/bin/false\nrunner:x:{UID}:{UID}:runner:/tmp:/bin/sh\n",
    "/etc/group": f"root:x:0:\nrunner:x:{UID}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    INIT: (Path(__file__).parent / "init.py").read_text(),
}
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": TEMPORARY,
    "TMPDIR": TEMPORARY,
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "USER": "runner",
    "LOGNAME": "runner",
    "SHELL": "/bin/sh",
}
NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox"),
)


def arguments(disk_bytes: int, folders: Iterable[str], fds: list[int]) -> list[str]:
    """`folders` (toolchains outside of /usr) appear at the same path. Opens descriptors that must be inherited and
    appends them to `fds`, also when it raises; the caller closes them.
    """
    args = [*NAMESPACES, "--uid", str(UID), "--gid", str(UID), "--ro-bind", "/usr", "/usr"]
    for path in SYSTEM:
        if Path(path).is_symlink():
            args += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).is_dir():
            args += ["--ro-bind", path, path]
    for path in ETC:
        args += ["--ro-bind-try", path, path]
    for path, text in FILES.items():
        args += ["--perms", "0444", "--file", str(_readable(text.encode(), fds)), path]
    size = str(disk_bytes)
    args += ["--proc", "/proc", "--dev", "/dev", "--size", str(SHARED_BYTES), "--tmpfs", SHARED]
    args += ["--remount-ro", "/dev", "--size", size, "--perms", "1777", "--tmpfs", TEMPORARY]
    for folder in folders:
        args += ["--ro-bind", folder, folder]
    return [*args, "--size", size, "--tmpfs", WORK, "--remount-ro", "/", "--chdir", "/"]


def _readable(content: bytes, fds: list[int]) -> int:
    """A descriptor to read the bytes from; all are smaller than a pipe."""
    reader, writer = os.pipe()
    fds.append(reader)
    with os.fdopen(writer, "wb") as file:
        file.write(content)
    return reader
