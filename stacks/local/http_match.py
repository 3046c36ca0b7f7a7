"""Which route answers a request, by the precedence that API Gateway documents for HTTP APIs.

1. A full match of path and method; a fixed segment beats a `{variable}`, the leftmost difference decides, and at one
   path the exact method beats `ANY`.
2. A match with a greedy `{proxy+}`, the longest fixed part first.
3. `$default`.

There is no 405: a path that exists under other methods only is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")
Params = dict[str, str]
Found = tuple["Leaf[T]", list[str]]


class Leaf(Generic[T]):
    """What stands at the end of one route's path: the target, and the names of its path variables in order."""

    __slots__ = ("names", "target")

    def __init__(self, target: T, names: tuple[str, ...]) -> None:
        self.target = target
        self.names = names


class Node(Generic[T]):
    __slots__ = ("fixed", "greedy", "leaves", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, Node[T]] = {}
        self.variable: Node[T] | None = None
        self.leaves: dict[str, Leaf[T]] = {}
        self.greedy: dict[str, Leaf[T]] = {}


class Matcher(Generic[T]):
    """Built once from route keys (`"GET /v1/runs/{run_id}"`, `"ANY /{proxy+}"`, `"$default"`) and their targets."""

    def __init__(self, routes: Iterable[tuple[str, T]]) -> None:
        self._root: Node[T] = Node()
        self._plain: dict[tuple[str, str], T] = {}
        self._default: T | None = None
        for key, target in routes:
            self._add(key, target)

    def _add(self, key: str, target: T) -> None:
        if key == "$default":
            self._default = target
            return
        method, path = key.split(" ")
        if "{" not in path and method != "ANY":
            self._plain[method, path] = target
        node = self._root
        names: list[str] = []
        for segment in path[1:].split("/"):
            if segment.endswith("+}"):
                node.greedy[method] = Leaf(target, (*names, segment[1:-2]))
                return
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.variable = node.variable or Node()
                node = node.variable
            else:
                node = node.fixed.setdefault(segment, Node())
        node.leaves[method] = Leaf(target, tuple(names))

    def find(self, method: str, path: str) -> tuple[T, Params] | None:
        """The target and the path variables, as they stand in `path` (which is already decoded); None is 404."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, {}
        segments = path[1:].split("/")
        found = _full(self._root, method, segments, 0, []) or _greedy(self._root, method, segments, 0, [])
        if found is not None:
            leaf, values = found
            return leaf.target, dict(zip(leaf.names, values, strict=True))
        return None if self._default is None else (self._default, {})


def _pick(leaves: Mapping[str, Leaf[T]], method: str) -> Leaf[T] | None:
    return leaves.get(method) or leaves.get("ANY")


def _full(node: Node[T], method: str, segments: list[str], at: int, values: list[str]) -> Found[T] | None:
    if at == len(segments):
        leaf = _pick(node.leaves, method)
        return None if leaf is None else (leaf, values)
    segment = segments[at]
    child = node.fixed.get(segment)
    found = _full(child, method, segments, at + 1, values) if child is not None else None
    if found is None and node.variable is not None and segment:
        found = _full(node.variable, method, segments, at + 1, [*values, segment])
    return found


def _greedy(node: Node[T], method: str, segments: list[str], at: int, values: list[str]) -> Found[T] | None:
    if at == len(segments):
        return None
    segment = segments[at]
    child = node.fixed.get(segment)
    found = _greedy(child, method, segments, at + 1, values) if child is not None else None
    if found is None and node.variable is not None and segment:
        found = _greedy(node.variable, method, segments, at + 1, [*values, segment])
    if found is None and (leaf := _pick(node.greedy, method)) is not None and (rest := "/".join(segments[at:])):
        found = leaf, [*values, rest]
    return found
