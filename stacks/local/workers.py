"""`<data>/workers.json`: what may run on this machine, and the workers that live, for who comes later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the sandbox's check found; without any language, `unavailable` says in one line why and how to mend it."""

    languages: dict[str, str] = field(default_factory=dict)  # name to version
    missing: dict[str, str] = field(default_factory=dict)  # name to remedy
    isolation: dict[str, str] = field(default_factory=dict)
    unavailable: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """`tasks` are the ARNs of the living workers."""

    tasks: Sequence[str] = ()
    sandbox: Sandbox = field(default_factory=Sandbox)

    def save(self, data: Path) -> None:
        path = data / "workers.json"
        path.with_suffix(".new").write_text(json.dumps(asdict(self), indent=1))
        path.with_suffix(".new").replace(path)


def load(data: Path) -> State:
    """The last state; an empty one when there was none."""
    try:
        fields = json.loads((data / "workers.json").read_text())
        return State(fields["tasks"], Sandbox(**fields["sandbox"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return State()
