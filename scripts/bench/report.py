"""What a benchmark found, as a table on the terminal and in docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HEAD = "| figure | target | measured: median (min–max) | verdict |\n|---|---|---|---|"


class NoPlace(ValueError):
    """The document has no place for a benchmark's figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table. `met` is None where there is no target: an absolute time, for orientation."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "met" if self.met else "**missed**"

    def row(self) -> str:
        return f"| {self.what} | {self.target} | {self.measured} | {self.verdict} |"


def machine() -> str:
    """What it was measured on. The load is of the minutes before: above 0.3 a core, somebody else was at work."""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}, load before {load}"


def section(name: str, figures: Sequence[Figure], where: str) -> str:
    """A benchmark's table and the command that prints it."""
    rows = "\n".join(figure.row() for figure in figures)
    today = datetime.now(UTC).date().isoformat()
    return f"{HEAD}\n{rows}\n\n`python -m scripts.bench {name}`, {today}, {where}."


def show(name: str, figures: Sequence[Figure]) -> str:
    """The same for a terminal."""
    lines = [f"── {name} ──"]
    for figure in figures:
        target = f"target {figure.target}" if figure.target else ""
        lines.append(f"  {figure.measured:>28}  {figure.what}  {target}  {figure.verdict.strip('*')}".rstrip())
    return "\n".join(lines)


def write(document: Path, sections: dict[str, str]) -> None:
    """Put each section between its markers `<!-- bench:name -->` and `<!-- /bench:name -->`; raises NoPlace."""
    text = document.read_text()
    for name, content in sections.items():
        begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not place.search(text):
            raise NoPlace(f"{document} has no place for {name}: add the lines {begin} and {end} to it")
        text = place.sub(lambda _, b=begin, c=content, e=end: f"{b}\n{c}\n{e}", text, count=1)  # type: ignore[misc]
    document.write_text(text)
