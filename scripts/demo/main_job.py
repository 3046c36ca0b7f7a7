"""First act: somebody registers, saves programs, runs them, and watches what they print."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from urllib.request import urlopen

from websockets.exceptions import ConnectionClosed

from scripts.client import Client, Json, Problem
from scripts.demo.tell import step

MULTI_FILE = {
    "main.py": b"""import sys, time
from shop.prices import total

for line in sys.stdin:
    name, amount = line.split()
    print(f"{name:>8}: {total(name, int(amount)):6.2f}", flush=True)
    time.sleep(0.3)
with open("receipt.txt", "w") as receipt:
    receipt.write("thank you\\n")
""",
    "shop/__init__.py": b"",
    "shop/prices.py": b"""PRICES = {"apples": 0.4, "bread": 2.2, "tea": 3.9}


def total(name, amount):
    return PRICES[name] * amount
""",
}


@dataclass
class Program:
    title: str
    language: str
    files: dict[str, bytes]
    stdin: str = ""


PROGRAMS = (
    Program("Python, three files, reading its input", "python", MULTI_FILE, "apples 3\nbread 1\ntea 2\n"),
    Program("JavaScript", "javascript", {"main.js": b"console.log('hello from', process.release.name)\n"}),
    Program("Shell", "shell", {"main.sh": b'echo "hello from $(uname -s)"; ls\n'}),
    Program("C", "c", {"main.c": b'#include <stdio.h>\nint main(void) { puts("hello from C"); return 7; }\n'}),
)


def play(client: Client) -> Json:
    """The first program's project."""
    first: Json = {}
    for number, program in enumerate(PROGRAMS):
        project = client.project(f"demo-{number}") if number else first_project(client)
        first = first or project
        run(client, project, program)
    return first


def first_project(client: Client) -> Json:
    """Step by step once, in one go afterwards."""
    team = client.call("POST", "/v1/teams", {"name": "Ada's team"})
    step("team", team["id"])
    workspace = client.call("POST", f"/v1/teams/{team['id']}/workspaces", {"name": "Main"})
    step("workspace", workspace["id"])
    project: Json = client.call("POST", f"/v1/workspaces/{workspace['id']}/projects", {"name": "demo"})
    step("project", project["id"])
    return project


def run(client: Client, project: Json, program: Program) -> None:
    print(f"\n── {program.title} ──")
    for path, content in program.files.items():
        saved = client.save(project["id"], path, content)
        step("saved", f"{path}  {saved['size']} bytes, version {saved['version']}")
    socket = client.socket()
    try:
        body = {"language": program.language, "stdin": program.stdin, "artifacts": ["*.txt"]}
        begin = time.monotonic()
        started = client.call("POST", f"/v1/projects/{project['id']}/runs", body)
        step("run", started["id"])
        for event in socket.follow(started["id"]):
            show(event, time.monotonic() - begin)
            if event["event"] == "run.finished":
                summarise(event["data"])
                break
        fetch_artifacts(client, started["id"])
    except (Problem, TimeoutError, ConnectionClosed) as problem:
        step("stopped", f"{problem}: see the platform's own output and its logs folder")
    finally:
        socket.close()


def show(event: Json, seconds: float) -> None:
    if event["event"] == "run.output":
        text = base64.b64decode(event["data"]["data_base64"]).decode(errors="replace")
        for line in text.splitlines():
            print(f"  {seconds * 1000:7.0f} ms  {event['data']['stream']:>6} │ {line}")
    else:
        print(f"  {seconds * 1000:7.0f} ms  {event['data']['status']:>6}")


def summarise(run: Json) -> None:
    result = run["result"]
    if result is None:
        step("ended", f"{run['status']}: {run['reason']}")
        return
    memory = (result["peak_memory_bytes"] or 0) / 2**20
    step(
        "ended",
        f"{run['status']}, exit code {result['exit_code']}, {result['wall_ms']} ms, "
        f"{result['cpu_ms']} ms of CPU, {memory:.1f} MiB at most",
    )
    if run["reason"]:
        step("because", run["reason"])


def fetch_artifacts(client: Client, run_id: str) -> None:
    for artifact in client.call("GET", f"/v1/runs/{run_id}/artifacts")["data"]:
        link = client.call("GET", f"/v1/runs/{run_id}/artifacts/{artifact['id']}")["download_url"]
        with urlopen(link, timeout=10) as response:
            step("fetched", f"{artifact['path']}: {response.read().decode()!r}")
