"""What the sandbox knows of a programming language. One file beside this one for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program of the host; `folder` must be shown inside when it is not part of /usr."""

    path: str
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """In commands `{tool}`, `{entry}` and `{program}` are replaced; `{sources}` becomes every file of its suffixes."""

    name: str
    suffixes: tuple[str, ...]
    entries: tuple[str, ...]  # looked for in this order when the job names no entry
    find: Callable[[], Tool | None]
    remedy: str  # one line for a host that lacks it
    version: tuple[str, ...]
    run: tuple[str, ...]
    self_test: str  # a program that prints `ready`
    compile: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    reserves: bool = False  # its runtime reserves much more address space than it uses


def on_path(*names: str) -> Tool | None:
    """The first of these programs in the folders that every sandbox shows."""
    for name in names:
        found = shutil.which(name, path=PATH)
        if found:
            return Tool(found)
    return None


def entry_of(language: Language, paths: list[str]) -> str | None:
    """The file to start with: a usual name, otherwise the only one that fits."""
    for entry in language.entries:
        if entry in paths:
            return entry
    fitting = [path for path in paths if Path(path).suffix in language.suffixes]
    return fitting[0] if len(fitting) == 1 else None
