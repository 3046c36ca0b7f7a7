"""Which capabilities a function's code can come to use, read from the source without running it.

Follows calls by name through the modules of the core: `runs.create(…)`, `finish(…)`. Methods of instances are not
followed, so this finds what is certainly needed and never what is not.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from slipway import capabilities, catalogue
from slipway.function import Function

CAPABILITIES = {name: c for name, c in vars(capabilities).items() if isinstance(c, capabilities.Capability)}
QUEUES = {name: capabilities.QUEUE_CAPABILITIES[q.name] for name, q in vars(catalogue).items() if q in catalogue.QUEUES}
Place = tuple[str, str]  # module and function


class Body(NamedTuple):
    calls: frozenset[Place]
    uses: frozenset[str]  # names of capabilities


@cache
def _module(name: str) -> dict[str, Body]:
    """The functions of a module."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return {}
    tree = ast.parse(Path(spec.origin).read_text())
    names = _imported(tree)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    names |= {own: f"{name}:{own}" for own in defined}
    return {node.name: _body(node, names) for node in tree.body if isinstance(node, ast.FunctionDef)}


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name to `module` or `module:function`, also of imports inside functions."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slipway"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = _is_module(full)
                found[alias.asname or alias.name] = full if is_module else f"{node.module}:{alias.name}"
    return found


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _body(function: ast.FunctionDef, names: dict[str, str]) -> Body:
    calls: set[Place] = set()
    uses: set[str] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        called, first = node.func, node.args[0] if node.args else None
        argument = first.id if isinstance(first, ast.Name) else ""
        if isinstance(called, ast.Name):
            if called.id == "use" and argument in CAPABILITIES:
                uses.add(CAPABILITIES[argument].name)
            elif ":" in (target := names.get(called.id, "")):
                calls.add(_place(target))
        elif isinstance(called, ast.Attribute):
            if called.attr == "send" and argument in QUEUES:
                uses.add(QUEUES[argument].name)
            elif (
                isinstance(called.value, ast.Name) and (target := names.get(called.value.id, "")) and ":" not in target
            ):
                calls.add((target, called.attr))
    return Body(frozenset(calls), frozenset(uses))


def _place(target: str) -> Place:
    module, _, function = target.partition(":")
    return module, function


@cache
def places(function: Function) -> frozenset[Place]:
    """Every function of the core that a declared function can reach."""
    file = inspect.getmodule(function.body)
    if file is None:
        raise LookupError(f"{function.spec.name} has no module")
    seen: set[Place] = set()
    waiting = [(file.__name__, function.body.__name__)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        body = _module(place[0]).get(place[1])
        waiting += body.calls if body else ()
    return frozenset(seen)


def reachable(function: Function) -> set[str]:
    """Names of the capabilities that the function can reach."""
    found: set[str] = set()
    for module, name in places(function):
        body = _module(module).get(name)
        found |= body.uses if body else set()
    return found
