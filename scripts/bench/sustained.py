"""A hundred runs a minute, for minutes: when the first line comes, and whether any run is lost."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from scripts.bench import samples
from scripts.bench.platform import Author, Outcome, platform
from scripts.bench.report import Figure

PER_MINUTE = 100
AUTHORS = 16  # at once; a run that finds none free starts late, and its wait counts


def run(minutes: float) -> list[Figure]:
    total = max(1, round(PER_MINUTE * minutes))
    with tempfile.TemporaryDirectory() as folder, platform(Path(folder)) as base_url:
        authors: SimpleQueue[Author] = SimpleQueue()
        for number in range(AUTHORS):
            authors.put(Author(base_url, f"Author {number}".replace(" ", "-")))
        author = authors.get()
        author.run()
        authors.put(author)
        begin = time.perf_counter()
        outcomes = at_a_steady_rate(authors, total)
        took = time.perf_counter() - begin
    lines = [outcome.first_line for outcome in outcomes if outcome and outcome.good]
    lost = sum(outcome is None for outcome in outcomes)
    failed = [outcome.what for outcome in outcomes if outcome and not outcome.good]
    for what in failed[:5]:
        print(f"  failed: {what}")
    rate, floor = (total - lost) / took * 60, PER_MINUTE * 0.98
    p50, p99 = samples.percentile(lines, 50), samples.percentile(lines, 99)
    return [
        Figure("runs ended per minute", f"{rate:.0f} over {took / 60:.1f} min", f"≥ {floor:.0f}", rate >= floor),
        Figure("lost", f"{lost} of {total}", "0", lost == 0),
        Figure("failed", f"{len(failed)} of {total}", "0", not failed),
        Figure("first line, p50 / p99", f"{p50:.0f} / {p99:.0f} ms"),
    ]


def at_a_steady_rate(authors: SimpleQueue[Author], total: int) -> list[Outcome | None]:
    """Starts by the clock, whatever the earlier runs do; None where a run did not end."""
    begin, every = time.perf_counter() + 0.5, 60 / PER_MINUTE
    numbers = count()

    def one() -> Outcome | None:
        due = begin + next(numbers) * every
        author = authors.get()
        try:
            late = max(0.0, time.perf_counter() - due)
            outcome = author.run()
            return Outcome(outcome.first_line + late * 1000, outcome.good, outcome.what)
        except TimeoutError:
            return None
        finally:
            authors.put(author)

    with ThreadPoolExecutor(AUTHORS * 2) as pool:
        started = []
        for number in range(total):
            time.sleep(max(0.0, begin + number * every - time.perf_counter()))
            started.append(pool.submit(one))
        return [future.result() for future in started]
