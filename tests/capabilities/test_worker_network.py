from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slipway.capabilities import WORKER_NETWORK


@pytest.fixture
def worker() -> Iterator[tuple[str, list[Any]]]:
    """A worker that takes one job at `/job` and answers 409 to anything else."""
    jobs: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            jobs.append((self.path, self.headers["content-type"], body))
            self.send_response(202 if self.path == "/job" else 409)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", jobs
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_job_arrives_and_the_status_comes_back(side: Any, worker: tuple[str, list[Any]]) -> None:
    address, jobs = worker
    assert side.provide(WORKER_NETWORK).push(address, "/job", {"run": "ü"}) == 202
    assert jobs == [("/job", "application/json", {"run": "ü"})]


def test_a_refusal_comes_back_as_its_status(side: Any, worker: tuple[str, list[Any]]) -> None:
    assert side.provide(WORKER_NETWORK).push(worker[0], "/other", {}) == 409


def test_nobody_there_is_0(side: Any) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    assert side.provide(WORKER_NETWORK).push(address, "/job", {}) == 0


def test_a_worker_that_stays_silent_is_0_after_two_seconds(side: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert side.provide(WORKER_NETWORK).push(f"127.0.0.1:{silent.getsockname()[1]}", "/job", {}) == 0
        assert 1.5 < time.monotonic() - start < 4


def test_something_that_does_not_speak_http_is_0(side: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert side.provide(WORKER_NETWORK).push(f"127.0.0.1:{other.getsockname()[1]}", "/job", {}) == 0
        thread.join()
