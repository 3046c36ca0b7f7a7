"""The one thing that AWS may start: a function with a frozen specification. Everything else reads it.

The decorators `route`, `socket`, `queue`, `schedule`, `event` and `task` each live in a module of their name and
make a subclass of `Function`. A file under `functions/` declares exactly one.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from slipway.capabilities import Capability

Event = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What every trigger has in common. `memory` in MB, `timeout` in seconds."""

    name: str  # folder_file: projects_create
    module: str  # functions.http.projects.create
    attribute: str  # the name bound in that module; with it the Lambda handler string
    domain: str  # the folder: projects
    summary: str  # first line of the file's docstring
    uses: tuple[Capability[Any], ...]
    memory: int
    timeout: int

    @property
    def handler(self) -> str:
        """The Lambda handler string."""
        return f"{self.module}.{self.attribute}"


class Function:
    """A declared function: callable as a Lambda handler, and as itself through `.body` in tests.

    Each kind narrows the type of `spec` to its own.
    """

    kind: ClassVar[str]
    spec: Spec

    def __init__(self, spec: Any, body: Callable[..., Any]) -> None:
        self.spec = spec
        self.body = body
        self.__doc__ = body.__doc__

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError


def identify(body: Callable[..., Any], uses: tuple[Capability[Any], ...], memory: int, timeout: int) -> dict[str, Any]:
    """The common part of a Spec, from where the function stands in the tree."""
    module = body.__module__
    parts = module.split(".")
    domain, file = parts[-2], parts[-1]
    doc = inspect.getdoc(inspect.getmodule(body)) or ""
    return {
        "name": re.sub(r"\W", "_", f"{domain}_{file}"),
        "module": module,
        "attribute": body.__name__,
        "domain": domain,
        "summary": doc.split("\n")[0].rstrip("."),
        "uses": uses,
        "memory": memory,
        "timeout": timeout,
    }
