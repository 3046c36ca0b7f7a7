"""A whole platform for the time of a benchmark: `slipway up` on a data folder and ports of its own."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bench.processes import free_ports, server
from scripts.client import Client, Json, Socket

PROGRAM = b'print("hello world")\n'
RUN_SECONDS = 60.0


@contextmanager
def platform(folder: Path) -> Iterator[str]:
    """The base URL, as soon as a worker waits for its run."""
    port = free_ports()
    # The benchmark's own settings and DATABASE_URL would make it another platform than the one people start.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SLIPWAY_") and name not in ("DATABASE_URL", "PORT", "DATA")
    }
    arguments = ["stacks.local.cli", "up", "--data", str(folder / "data"), "--port", str(port)]
    with server(arguments, port, "/health", folder / "up.log", environment, "websocket"):
        yield f"http://127.0.0.1:{port}"


class Author:
    """Somebody with a hello-world project and an open WebSocket. For one thread."""

    def __init__(self, base_url: str, name: str = "Bench") -> None:
        self.client = Client(base_url)
        self.client.register(name)
        self.project_id = str(self.client.project(name)["id"])
        self.client.save(self.project_id, "main.py", PROGRAM)
        self.socket: Socket = self.client.socket()

    def run(self) -> Outcome:
        """Run the project; returns when the run has ended. Raises TimeoutError when it does not within RUN_SECONDS."""
        begin = time.perf_counter()
        made: Json = self.client.call("POST", f"/v1/projects/{self.project_id}/runs", {"language": "python"})
        first, output = 0.0, b""
        for event in self.socket.follow(made["id"], timeout=RUN_SECONDS):
            if event["event"] == "run.output":
                first = first or (time.perf_counter() - begin) * 1000
                output += base64.b64decode(event["data"]["data_base64"])
            elif event["event"] == "run.finished":
                good = event["data"]["status"] == "succeeded" and output == b"hello world\n"
                return Outcome(first, good, f"{made['id']} {event['data']['status']} {event['data']['reason'] or ''}")
        raise TimeoutError(f"{made['id']} has not ended")

    def close(self) -> None:
        self.socket.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`first_line` in ms from just before the POST to the first output on the WebSocket; `good`: all of it, once."""

    first_line: float
    good: bool
    what: str
