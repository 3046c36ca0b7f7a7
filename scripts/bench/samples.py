"""Measuring on a machine that is never quite idle: variants in turn, ratios within a turn, medians over the turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    median: float
    low: float
    high: float

    def text(self, unit: str = "", digits: int = 2) -> str:
        """`0.41 (0.38–0.47)`, with the unit at the end."""
        text = f"{self.median:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"
        return f"{text} {unit}" if unit else text


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def ratio(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """Each value over the reference's of the same turn: what slows both down at that moment cancels out."""
    return spread([value / other for value, other in zip(values, reference, strict=True)])


def percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank, so that it is a value that was measured."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def in_turn(turns: int, variants: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Every variant once a turn; every other turn backwards, so that none always comes after the same one."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(turns):
        names = list(variants)[:: 1 if turn % 2 == 0 else -1]
        for name in names:
            found[name].append(variants[name]())
    return found
