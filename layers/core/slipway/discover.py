"""Finds every declared function: one per file under `functions/`, by importing the file."""

from __future__ import annotations

import importlib
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
ROOT = Path(__file__).resolve().parents[3]


class BadDeclaration(ValueError):
    """A file under functions/ does not declare exactly one function."""


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
