"""Finds every declared function: one per file under `functions/`, by importing the file."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from slipway.authorizer import Authorizer
from slipway.event import Event
from slipway.function import Function
from slipway.queue import Queue
from slipway.route import Route
from slipway.schedule import Schedule
from slipway.socket import Socket
from slipway.task import Task

F = TypeVar("F", bound=Function)


class BadDeclaration(ValueError):
    """A file under functions/ does not declare exactly one function, or there is no such folder."""


def _root() -> Path:
    """Where `functions` lies: in the checkout, or in /var/task on Lambda while this file lies in /opt. The import
    system is asked, because it is what will import the functions. Raises BadDeclaration when it knows none."""
    found = importlib.util.find_spec("functions")
    for folder in (found and found.submodule_search_locations) or ():
        return Path(folder).resolve().parent
    raise BadDeclaration("no folder functions/ on Python's path: put the folder that holds it on PYTHONPATH")


ROOT = _root()


def load(module: str) -> Function:
    """The one function that a module declares."""
    found = [v for v in vars(importlib.import_module(module)).values() if isinstance(v, Function)]
    if len(found) != 1:
        raise BadDeclaration(f"{module} must declare exactly one function, it declares {len(found)}")
    if found[0].spec.module != module:
        raise BadDeclaration(f"{module} imports {found[0].spec.module}: functions never import functions")
    return found[0]


@cache
def functions(root: Path = ROOT) -> tuple[Function, ...]:
    """All declared functions, in the order of their file names."""
    files = sorted((root / "functions").rglob("*.py"))
    return tuple(
        load(".".join(file.relative_to(root).with_suffix("").parts)) for file in files if file.name != "__init__.py"
    )


def _of(kind: type[F]) -> Sequence[F]:
    return [f for f in functions() if isinstance(f, kind)]


def routes() -> Sequence[Route]:
    return _of(Route)


def sockets() -> Sequence[Socket]:
    return _of(Socket)


def queues() -> Sequence[Queue]:
    return _of(Queue)


def schedules() -> Sequence[Schedule]:
    return _of(Schedule)


def events() -> Sequence[Event]:
    return _of(Event)


def tasks() -> Sequence[Task]:
    return _of(Task)


def authorizers() -> Sequence[Authorizer]:
    return _of(Authorizer)
