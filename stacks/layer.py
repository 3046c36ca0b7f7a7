"""Builds a layer of third-party packages from its hashed lock, without Docker, and the same bytes every time.

There are two, and a function has one of them: `deps`, or for the profile `api: single` the layer `single`, which holds
the same packages and FastAPI.

Bytecode halves a cold import, and Lambda's folders are read-only, so it is made here, by a Python of the target's
version when this machine has one. `unchecked-hash` bytecode carries no time stamp, and the paths in it are those of
Lambda. What the functions never read (tests, type stubs, headers) is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stacks.environment import ROOT

NAMES = ("deps", "single")
LOCK = ROOT / "layers" / "deps" / "requirements.lock"
TARGET = ROOT / "build" / "layers" / "deps"
PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_28"
EPOCH = 315532800  # 1980-01-01, the first day a zip file knows
# Only names that no package imports at run time. Metadata stays: importlib.metadata and licence checks read it.
UNREAD_FOLDERS = ("tests", "__pycache__", "include", "bin")
UNREAD_FILES = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


class NotBuilt(RuntimeError):
    """The layer could not be built."""


@dataclass(frozen=True, slots=True)
class Built:
    folder: Path
    size: int  # bytes, unpacked
    bytecode: bool


def uv() -> str:
    """The pinned uv of scripts/install, or the one on the PATH."""
    own = ROOT / ".tools" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if not found:
        raise NotBuilt("uv is missing: run scripts/install")
    return found


def interpreter(version: str) -> str | None:
    """A Python of that version that starts: uv's find is asked first, then pyenv's folder (its shims may be empty)."""
    candidates = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"), reverse=True)
    found = subprocess.run(
        [uv(), "python", "find", "--no-config", "--offline", "--no-python-downloads", version],
        capture_output=True,
        text=True,
        check=False,
    )
    for candidate in ([found.stdout.strip()] if found.returncode == 0 else []) + [str(path) for path in candidates]:
        check = "import sys; print('%d.%d' % sys.version_info[:2])"
        answer = subprocess.run([candidate, "-c", check], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return candidate
    return None


def _install(folder: Path, python: str, platform: str, locked: Path) -> None:
    command = [
        uv(), "pip", "install", "--no-config", "--quiet", "--target", str(folder), "--python-version", python,
        "--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy",
        "--python-platform", platform, "--requirements", str(locked),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotBuilt(f"uv could not install {locked} for {platform}: {done.stderr.strip()}")


def _prune(folder: Path) -> None:
    for name in UNREAD_FOLDERS:
        for found in sorted(folder.rglob(name)):
            if found.is_dir():
                shutil.rmtree(found)
    for pattern in UNREAD_FILES:
        for found in folder.rglob(pattern):
            found.unlink()
    (folder / ".lock").unlink(missing_ok=True)


def compile_for_lambda(folder: Path, python: str) -> None:
    """Paths inside the bytecode are those of Lambda (`-s` strips ours), so that tracebacks read right there."""
    command = [
        python, "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
        "-s", str(folder), "-p", "/opt/python", str(folder),
    ]  # fmt: skip
    # One process, files in order: what marshal writes of a shared constant depends on what was compiled before it.
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotBuilt(f"{python} could not compile the layer: {done.stdout.strip()}")


def settle(folder: Path) -> None:
    """One time stamp and plain modes for every file and folder."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def build(target: Path = TARGET, python: str = PYTHON, platform: str = PLATFORM, locked: Path = LOCK) -> Built:
    """Build into `target/python`; raises NotBuilt with the reason. The old layer stays until the new one is whole."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    packages = fresh / "python"
    packages.mkdir(parents=True)
    try:
        _install(packages, python, platform, locked)
        _prune(packages)
        compiler = interpreter(python)
        if compiler:
            compile_for_lambda(packages, compiler)
        else:
            print(
                f"no Python {python} on this machine: the layer has no bytecode, cold starts are slower",
                file=sys.stderr,
            )
        settle(fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _stamp(target).write_text(_wanted(python, platform, locked))
    return Built(target, size(target), compiler is not None)


def lock(name: str) -> Path:
    return LOCK.parent.with_name(name) / LOCK.name


def named(name: str) -> Path:
    """The folder of that layer for Lambda, built when it is not there."""
    return ensure(TARGET.with_name(name), locked=lock(name))


def _stamp(target: Path) -> Path:
    return target.with_name(f"{target.name}.built")


def _wanted(python: str, platform: str, locked: Path) -> str:
    recipe = Path(__file__).read_bytes() + locked.read_bytes()
    return hashlib.sha256(recipe + f"{python} {platform}".encode()).hexdigest()


def ensure(target: Path = TARGET, python: str = PYTHON, platform: str = PLATFORM, locked: Path = LOCK) -> Path:
    """The layer's folder, built when it is absent or older than its lock. A stale one serves when there is no network,
    and says so: synthesis must work offline, a deploy should not come from such a machine."""
    stamp = _stamp(target)
    if target.is_dir() and stamp.exists() and stamp.read_text() == _wanted(python, platform, locked):
        return target
    try:
        return build(target, python, platform, locked).folder
    except NotBuilt as error:
        if not target.is_dir():
            raise
        print(f"the layer is older than its lock and was not rebuilt: {error}", file=sys.stderr)
        return target


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a layer of third-party packages.")
    parser.add_argument("name", nargs="?", choices=NAMES, default=NAMES[0])
    parser.add_argument("--target", type=Path, default=None, help="build/layers/NAME by default")
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--platform", default=PLATFORM)
    chosen = parser.parse_args()
    try:
        target = (chosen.target or TARGET.with_name(chosen.name)).resolve()
        built = build(target, chosen.python, chosen.platform, lock(chosen.name))
    except NotBuilt as error:
        sys.exit(str(error))
    bytecode = "with bytecode" if built.bytecode else "without bytecode"
    print(f"{built.folder}: {built.size / 1e6:.1f} MB unpacked, {bytecode}")


if __name__ == "__main__":
    main()
