"""The platform's internal API as a worker sees it, over real HTTP, with faults on request."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """`faults` maps a path's last part to the status codes of its next answers; 0 drops the connection unanswered."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.reports: list[tuple[float, str, dict[str, Any]]] = []
        self.uploads: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self.faults: dict[str, list[int]] = {}
        self.cancel = False
        self.bundle = b""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for _, path, body in list(self.reports) if path.endswith(f"/{kind}")]

    def output(self, stream: str) -> bytes:
        """In order of their numbers, each number once."""
        chunks = {c["seq"]: c for body in self.of("output") for c in body["chunks"]}
        return b"".join(
            base64.b64decode(chunks[n]["data_base64"]) for n in sorted(chunks) if chunks[n]["stream"] == stream
        )

    def result(self, seconds: float = 20) -> dict[str, Any]:
        wait(lambda: bool(self.of("result")), seconds)
        return self.of("result")[-1]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def wait(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.005)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = self.path.rpartition("/")[2]
        fault = self.server.faults.get(kind, [])
        status = fault.pop(0) if fault else 200
        if status == 0:
            self.close_connection = True
            return
        if status == 200:
            self.server.reports.append((time.monotonic(), self.path, body))
            self.server.tokens.add(self.headers["Authorization"])
        answer = {"upload_url": f"{self.server.url}/put/{body.get('path')}?signed=1"} if kind == "artifacts" else {}
        self._answer(status, json.dumps({"cancel": self.server.cancel, **answer}).encode())

    def do_PUT(self) -> None:
        self.server.uploads[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_GET(self) -> None:
        self._answer(200, self.server.bundle)

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None: ...
