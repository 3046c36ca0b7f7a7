"""A worker as the platform sees it: a private address that takes a job, and a token with which it reports."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.api import Api, Response
from tests.core import backstage


@dataclass
class Worker:
    address: str
    task_arn: str = field(default_factory=lambda: f"arn:task/{uuid4().hex}")
    answer: int = 202
    heard: list[tuple[str, Any]] = field(default_factory=list)
    busy: threading.Lock = field(default_factory=threading.Lock)

    @property
    def jobs(self) -> list[Any]:
        return [body for path, body in self.heard if path == "/job"]

    @property
    def cancels(self) -> list[Any]:
        return [body for path, body in self.heard if path == "/cancel"]

    def arrive(self) -> None:
        backstage.happen("worker_changed", self._change("RUNNING"))

    def leave(self, reason: str = "the host went away") -> None:
        backstage.happen("worker_changed", {**self._change("STOPPED"), "stoppedReason": reason})

    def _change(self, status: str) -> dict[str, Any]:
        details = [{"name": "privateIPv4Address", "value": self.address}]
        return {"taskArn": self.task_arn, "lastStatus": status, "attachments": [{"details": details}]}

    def report(self, api: Api, what: str, job: int = -1, **body: Any) -> Response:
        """Report about a job with its token; `what`: output, heartbeat, artifacts, result."""
        manifest = self.jobs[job]
        key = f"POST /v1/worker/runs/{{run_id}}/{what}"
        given = {"attempt": manifest["attempt"], **body}
        return api.call(key, given, by=manifest["token"], run_id=manifest["run_id"])

    def output(self, api: Api, *chunks: tuple[int, bytes], job: int = -1) -> Response:
        given = [
            {"seq": n, "stream": "stdout", "at": "2026-01-01T00:00:00Z", "data_base64": base64.b64encode(data).decode()}
            for n, data in chunks
        ]
        return self.report(api, "output", job, chunks=given)

    def finish(self, api: Api, status: str = "succeeded", job: int = -1, **body: Any) -> Response:
        return self.report(api, "result", job, status=status, **body)


@contextmanager
def listening() -> Iterator[Worker]:
    """A worker on a free port of this machine. It takes one job at a time of test, as often as it is pushed."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with worker.busy:
                worker.heard.append((self.path, body))
            self.send_response(worker.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        worker = Worker(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield worker
        finally:
            server.shutdown()
            thread.join()
