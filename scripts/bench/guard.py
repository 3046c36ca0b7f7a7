"""What keeping people apart costs a read: authorizer, rate limit and row-level security, against the same read without."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from scripts.bench import samples
from scripts.bench.ground import Ground, ground
from scripts.bench.processes import free_ports, server
from scripts.bench.report import Figure
from scripts.client import Client

TURNS, REQUESTS = 20, 200
TARGET = 1.0
PLENTY = 1_000_000_000


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        guarded, bare = free_ports(), free_ports()
        with ground(Path(folder), guarded) as here:
            limit_everything(here)
            open_door = Path(folder) / "unguarded"
            open_door.mkdir()
            replace(here.machine, data=str(open_door), port=bare, app_url=here.superuser_url).save()
            environment = here.environment()
            own = {**environment, "SLIPWAY_DATABASE_URL": here.superuser_url}
            with (
                server(
                    ["scripts.bench.served_gateway", folder, "1"],
                    guarded,
                    "/health",
                    Path(folder) / "g.log",
                    environment,
                ),
                server(["scripts.bench.served_unguarded", str(open_door)], bare, "/x", Path(folder) / "u.log", own),
            ):
                return compare(guarded, bare)


def limit_everything(here: Ground) -> None:
    """Limits that are never reached, so that each request pays for its three buckets."""
    with psycopg.connect(here.superuser_url) as connection:
        for subject in ("user", "team"):
            connection.execute(
                "insert into plan_rates (plan, subject, class, burst, per_minute) values ('unlimited', %s, 'read', %s, %s)",
                (subject, PLENTY, PLENTY),
            )


def compare(guarded: int, bare: int) -> list[Figure]:
    client = Client(f"http://127.0.0.1:{guarded}")
    client.register("Bench")
    path = f"/v1/projects/{client.project('Bench')['id']}"
    head = {"authorization": f"Bearer {client.token}"}
    reads = {"guarded": Reads(guarded, path, head), "bare": Reads(bare, path, {})}
    if reads["guarded"].body() != reads["bare"].body():
        raise RuntimeError("the two answer differently")
    found = samples.in_turn(TURNS, {name: read.milliseconds for name, read in reads.items()})
    costs = samples.spread([g - b for g, b in zip(found["guarded"], found["bare"], strict=True)])
    return [
        Figure("guarded - unguarded, of the medians", costs.text("ms"), f"≤ {TARGET} ms", costs.median <= TARGET),
        Figure("guarded: authorizer, two rate limits, row-level security", samples.spread(found["guarded"]).text("ms")),
        Figure("unguarded", samples.spread(found["bare"]).text("ms")),
    ]


class Reads:
    """One read after the other over one kept-open connection."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=10)
        self._path, self._headers = path, headers

    def body(self) -> bytes:
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self._path} answered {answer.status}: {content!r}")
        return content

    def milliseconds(self) -> float:
        """The median of REQUESTS."""
        times = []
        for _ in range(REQUESTS):
            begin = time.perf_counter()
            self.body()
            times.append((time.perf_counter() - begin) * 1000)
        return statistics.median(times)
