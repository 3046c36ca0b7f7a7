"""The source of the whole repository, read and parsed once for the tests of the house rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("functions", "layers", "stacks", "scripts", "tests")
CORE = "layers/core/slipway"


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "/build/" not in str(path)]
    return sorted([*found, ROOT / "app.py"])


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = {name(path): path for path in sources()}
# Tests may do anything, and the benchmarks run what is not ours.
PRODUCT = [n for n in SOURCES if not n.startswith(("tests/", "scripts/bench/"))]


@cache
def tree(file: str) -> ast.Module:
    return ast.parse(SOURCES[file].read_text())


def imports(file: str) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
