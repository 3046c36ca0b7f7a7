"""The Lambda Runtime API (version 2018-06-01), small and real: hands out one event, takes the answer.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "/2018-06-01/runtime/"


class Outcome(NamedTuple):
    """`kind` is "response", "error" or "init_error"; `answer` the parsed body."""

    kind: str
    answer: Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, event: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: Queue[Any] = Queue()
        self.events.put(event)
        self.outcomes: Queue[Outcome] = Queue()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.path == f"{PREFIX}invocation/next"
        event = self.server.events.get()  # as long as it takes: the process is ended while it waits here
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 10_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:f")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = "init_error" if self.path == f"{PREFIX}init/error" else self.path.rsplit("/", 1)[1]
        self.server.outcomes.put(Outcome(kind, json.loads(raw or b"null")))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def invoke(handler: str, event: Any, settings: dict[str, str], seconds: float = 30) -> Outcome:
    """Start AWS's own runtime client for a handler string, let it take one event, and end it."""
    server = _Server(event)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.defpath,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}:{ROOT / 'layers/sandbox'}",  # as /var/task and /opt/python
        **settings,
    }
    command = [sys.executable, "-m", "awslambdaric", handler]
    process = subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        return server.outcomes.get(timeout=seconds)
    finally:
        process.kill()
        process.communicate()
        server.shutdown()
        server.server_close()
