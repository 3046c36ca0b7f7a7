"""Reading one project through the local gateway, against uvicorn + FastAPI + an asynchronous pool without any of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.bench import samples
from scripts.bench.ground import ground
from scripts.bench.processes import free_ports, server
from scripts.bench.report import Figure
from scripts.client import Client

TURNS, SECONDS, WARM_UP = 4, 5, 2
THREADS, CONNECTIONS = 2, 16
TARGET = 1.0


class NoLoad(RuntimeError):
    """wrk is missing, or not every answer was a success."""


def run() -> list[Figure]:
    if shutil.which("wrk") is None:
        raise NoLoad("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        port, other, bare = free_ports(), free_ports(), free_ports()
        with ground(Path(folder), port) as here:
            gateway = ["scripts.bench.served_gateway", folder]
            reference = ["scripts.bench.served_reference", here.superuser_url, str(other)]
            autocommit = ["scripts.bench.served_reference", here.superuser_url, str(bare), "autocommit"]
            log, environment = Path(folder), here.environment()
            with (
                server(gateway, port, "/health", log / "gateway.log", environment),
                server(reference, other, "/docs", log / "reference.log", environment),
                server(autocommit, bare, "/docs", log / "autocommit.log", environment),
            ):
                return compare(port, other, bare)


def compare(port: int, other: int, bare: int) -> list[Figure]:
    client = Client(f"http://127.0.0.1:{port}")
    client.register("Bench")
    path, token = f"/v1/projects/{client.project('Bench')['id']}", client.token
    answers = [Client(f"http://127.0.0.1:{p}", token).call("GET", path) for p in (port, other, bare)]
    if answers[0] != answers[1] or answers[0] != answers[2]:
        raise NoLoad(f"the two answer differently: {json.dumps(answers)}")
    for warmed in (port, other, bare):
        requests_per_second(warmed, path, token, WARM_UP)
    found = samples.in_turn(
        TURNS,
        {
            "gateway": lambda: requests_per_second(port, path, token, SECONDS),
            "reference": lambda: requests_per_second(other, path, token, SECONDS),
            "autocommit": lambda: requests_per_second(bare, path, token, SECONDS),
        },
    )
    gateway, reference = found["gateway"], found["reference"]
    by_reference = samples.ratio(gateway, reference)
    return [
        Figure("gateway ÷ uvicorn + FastAPI", by_reference.text(), f"≥ {TARGET}", by_reference.median >= TARGET),
        Figure("the same, its pool set to autocommit", samples.ratio(gateway, found["autocommit"]).text()),
        Figure("gateway", samples.spread(gateway).text("requests/s", 0)),
        Figure("uvicorn + FastAPI + async pool", samples.spread(reference).text("requests/s", 0)),
        Figure("with autocommit", samples.spread(found["autocommit"]).text("requests/s", 0)),
    ]


def requests_per_second(port: int, path: str, token: str, seconds: int) -> float:
    """What wrk counts; raises NoLoad when an answer was no success."""
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], check=True, capture_output=True, text=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise NoLoad(f"port {port} did not answer every request with a success:\n{done.stdout}")
    return float(rate[1])
