"""The folders that become Lambda code, the core layer and the workers' image: copied from the tree into build/.

One asset for each folder of `functions/`, with the path kept, because the handler string is
`functions.http.projects.create.create`; one for all routes in the profile `api: single`. Only what git would keep is
copied, so the hash depends on the sources alone.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from slipway.function import Function

from stacks import layer
from stacks.environment import ROOT

BUILD = ROOT / "build"
_IGNORE = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else fills build/."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def folder_of(function: Function) -> str:
    """The function's folder, as one word: `http-projects`, `queue`."""
    return "-".join(function.spec.module.split(".")[1:-1])


def _mirror(target: Path, sources: Iterable[Path], root: Path) -> Path:
    """`target` with copies of the files and folders, at their paths below `root`."""
    shutil.rmtree(target, ignore_errors=True)
    for source in sources:
        copy = target / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=_IGNORE)
        else:
            shutil.copy(source, copy)
    layer.settle(target)
    return target


@cache
def functions(folder: str, build: Path = BUILD) -> Path:
    """The asset of one folder of functions; only its own files, not those of folders below it."""
    source = ROOT.joinpath("functions", *folder.split("-"))
    return _mirror(build / "functions" / folder, sorted(source.glob("*.py")), ROOT)


@cache
def routes(build: Path = BUILD) -> Path:
    """The asset of `slipway.single.handler`, which finds the routes by their files, and the authorizers beside them."""
    return _mirror(build / "routes", [ROOT / "functions" / folder for folder in ("http", "authorizer")], ROOT)


def of(function: Function) -> Path:
    """The asset that holds the function's code."""
    return routes() if function.kind == "single" else functions(folder_of(function))


@cache
def core(build: Path = BUILD) -> Path:
    """The core layer: `python/slipway`, with bytecode when a Python of Lambda's version is here."""
    target = build / "layers" / "core"
    _mirror(target / "python", [ROOT / "layers" / "core" / "slipway"], ROOT / "layers" / "core")
    compiler = layer.interpreter(layer.PYTHON)
    if compiler:
        layer.compile_for_lambda(target / "python", compiler)
    layer.settle(target)
    return target


@cache
def worker(build: Path = BUILD) -> Path:
    """The context of the workers' image: the task's file, the sandbox, and the core for its declarations."""
    target = build / "worker"
    sources = [ROOT / "functions" / "task", ROOT / "layers" / "core" / "slipway", ROOT / "layers" / "sandbox"]
    return _mirror(target, sources, ROOT)
