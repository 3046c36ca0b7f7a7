"""Reading projects through the local gateway, against uvicorn + FastAPI + an asynchronous pool without any of it.

Each request is another person's, about a project of a team of their own: one person, who may ask ten times a second,
would measure how requests queue for the row of that person's rate limit.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from scripts.bench import samples
from scripts.bench.ground import Ground, ground
from scripts.bench.processes import free_ports, server
from scripts.bench.report import Figure
from scripts.client import Client
from stacks.local.up import default_http_processes

TURNS, SECONDS, WARM_UP = 4, 4, 2
THREADS, CONNECTIONS = 2, 16
PEOPLE = 32
TARGET = 1.0
# The requests are made once; so wrk spends on this what it spends on a fixed header.
SCRIPT = """
local people, requests, next = {%s}, {}, 0
function init()
  for i, one in ipairs(people) do
    requests[i] = wrk.format("GET", one[1], {Authorization = "Bearer " .. one[2]})
  end
end
function request()
  next = next %% #requests + 1
  return requests[next]
end
"""


class NoLoad(RuntimeError):
    """wrk is missing, or not every answer was a success."""


def run() -> list[Figure]:
    if shutil.which("wrk") is None:
        raise NoLoad("wrk is not installed: apt-get install wrk")
    processes = default_http_processes()
    with tempfile.TemporaryDirectory() as folder, ground(Path(folder)) as here, ExitStack() as stack:
        lift_rates(here)
        return compare(
            processes,
            {
                "gateway": stack.enter_context(gateway(here, processes)),
                "uncounted": stack.enter_context(gateway(here, processes, "uncounted")),
                "one": stack.enter_context(gateway(here, 1)),
                "reference": stack.enter_context(reference(here)),
                "autocommit": stack.enter_context(reference(here, "autocommit")),
                "workers": stack.enter_context(reference(here, f"workers={processes}")),
            },
            Path(folder) / "people.lua",
        )


def lift_rates(here: Ground) -> None:
    """The buckets stay and are taken from at every request; they only never get empty."""
    with psycopg.connect(here.superuser_url) as connection:
        connection.execute("update plan_rates set burst = 1000000000, per_minute = 1000000000")


@contextmanager
def gateway(here: Ground, processes: int, *options: str) -> Iterator[int]:
    """The port of a gateway of so many HTTP processes, as `slipway up` starts them."""
    port = free_ports()
    folder = Path(here.machine.data) / "-".join(("gateway", str(processes), *options))
    folder.mkdir()
    replace(here.machine, data=str(folder), port=port).save()
    with ExitStack() as stack:
        for number in range(processes):
            command = ["scripts.bench.served_gateway", str(folder), str(processes), *options]
            log = folder / f"{number}.log"
            stack.enter_context(server(command, port, "/health", log, here.environment(), "ready"))
        yield port


@contextmanager
def reference(here: Ground, *options: str) -> Iterator[int]:
    port = free_ports()
    log = Path(here.machine.data) / f"reference-{'-'.join(options)}.log"
    command = ["scripts.bench.served_reference", here.superuser_url, str(port), *options]
    with server(command, port, "/docs", log, here.environment()):
        yield port


def compare(processes: int, ports: dict[str, int], script: Path) -> list[Figure]:
    people = [join(ports, number) for number in range(PEOPLE)]
    script.write_text(SCRIPT % ", ".join(f'{{"{path}", "{token}"}}' for path, token in people))
    for port in ports.values():
        requests_per_second(port, script, WARM_UP)

    def turn(port: int) -> Callable[[], float]:
        return lambda: requests_per_second(port, script, SECONDS)

    found = samples.in_turn(TURNS, {name: turn(port) for name, port in ports.items()})
    return figures(processes, found)


def join(ports: dict[str, int], number: int) -> tuple[str, str]:
    """A new person's project and token; raises NoLoad when it is not everywhere the same."""
    client = Client(f"http://127.0.0.1:{ports['gateway']}")
    client.register(f"Bench{number}")
    path, token = f"/v1/projects/{client.project('Bench')['id']}", client.token
    answers = {name: Client(f"http://127.0.0.1:{port}", token).call("GET", path) for name, port in ports.items()}
    if any(answer != answers["gateway"] for answer in answers.values()):
        raise NoLoad(f"they answer differently: {json.dumps(answers)}")
    return path, token


def figures(processes: int, found: dict[str, list[float]]) -> list[Figure]:
    ours, reference = found["gateway"], found["reference"]
    uncounted = samples.ratio(found["uncounted"], reference)

    def rate(what: str, name: str) -> Figure:
        return Figure(what, samples.spread(found[name]).text("requests/s", 0))

    several = f"{processes} HTTP processes"
    return [
        Figure(
            f"gateway without rate limits, {several} ÷ uvicorn + FastAPI",
            uncounted.text(),
            f"≥ {TARGET}",
            uncounted.median >= TARGET,
        ),
        Figure(f"gateway as it is, {several} ÷ uvicorn + FastAPI", samples.ratio(ours, reference).text()),
        Figure("gateway, 1 HTTP process ÷ uvicorn + FastAPI", samples.ratio(found["one"], reference).text()),
        Figure(
            f"{several} ÷ the same with its pool set to autocommit", samples.ratio(ours, found["autocommit"]).text()
        ),
        Figure(f"{several} ÷ uvicorn --workers {processes}", samples.ratio(ours, found["workers"]).text()),
        rate(f"gateway, {several}", "gateway"),
        rate(f"gateway without rate limits, {several}", "uncounted"),
        rate("gateway, 1 HTTP process", "one"),
        rate("uvicorn + FastAPI + async pool", "reference"),
        rate("with autocommit", "autocommit"),
        rate(f"with --workers {processes}", "workers"),
    ]


def requests_per_second(port: int, script: Path, seconds: int) -> float:
    """What wrk counts; raises NoLoad when an answer was no success."""
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise NoLoad(f"port {port} did not answer every request with a success:\n{done.stdout}")
    return float(rate[1])
