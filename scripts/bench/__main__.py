"""`python -m scripts.bench [cold warm gateway guard scale login runs sustained synth] [--write docs/performance.md]`

Without names it runs all but `sustained`. Everything is measured as a ratio to a reference that takes turns with it,
so that the figures hold on another machine and beside other work; docs/performance.md says what is compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from scripts.bench import report
from scripts.bench.report import Figure

ALL = ("cold", "warm", "gateway", "guard", "scale", "login", "runs", "synth", "sustained")
BY_DEFAULT = ALL[:-1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*ALL, []], metavar="name", help=f"of {', '.join(ALL)}")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the tables into this document")
    parser.add_argument("--minutes", type=float, default=5, help="of `sustained`")
    given = parser.parse_args()
    sections: dict[str, str] = {}
    missed = False
    for name in given.names or BY_DEFAULT:
        where, begin = report.machine(), time.monotonic()
        figures = benchmark(name, given.minutes)()
        print(report.show(name, figures), f"  ({time.monotonic() - begin:.0f} s)\n", sep="\n", flush=True)
        sections[name] = report.section(name, figures, where)
        missed = missed or any(figure.met is False for figure in figures)
    if given.write:
        report.write(given.write, sections)
    return 1 if missed else 0


def benchmark(name: str, minutes: float) -> Callable[[], list[Figure]]:
    """Imported only when it is run, so that no benchmark pays for another's imports."""
    module = import_module(f"scripts.bench.{name}")
    if name == "sustained":
        return lambda: module.run(minutes)
    run: Callable[[], list[Figure]] = module.run
    return run


if __name__ == "__main__":
    sys.exit(main())
