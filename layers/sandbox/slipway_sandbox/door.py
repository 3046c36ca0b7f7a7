"""The worker's HTTP server: takes one job, then only its cancellation."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slipway_sandbox.manifest import BadManifest, Manifest, decode

MOST_BODY = 96 * 1024 * 1024
Answer = tuple[int, dict[str, Any]]


class Door(ThreadingHTTPServer):
    """`take` is called with the one job, `cancel` when somebody with its token asks; both from other threads."""

    daemon_threads = True

    def __init__(self, host: str, port: int, take: Callable[[Manifest], None], cancel: Callable[[], None]) -> None:
        super().__init__((host, port), Handler)
        self.take = take
        self.cancel = cancel
        self.taking = threading.Lock()
        self.manifest: Manifest | None = None

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)  # without the base class's look-up of this host's name, which may wait
        self.server_address = self.socket.getsockname()

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"

    def open(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="door", daemon=True).start()

    def job(self, body: Any) -> Answer:
        try:
            manifest = decode(body)
        except BadManifest as error:
            return problem(400, "bad_manifest", str(error))
        with self.taking:
            if self.manifest is not None:
                return problem(409, "taken", "this worker has a job already: push to another")
            self.manifest = manifest
        self.take(manifest)
        return 202, {"accepted": True}

    def cancellation(self, body: Any) -> Answer:
        """Whoever cancels shows the token's sha-256: the platform keeps no more of it than that."""
        shown = body.get("token_sha256") if isinstance(body, dict) else None
        mine = hashlib.sha256(self.manifest.token.encode()).hexdigest() if self.manifest else ""
        if not mine or not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), mine.encode()):
            return problem(403, "wrong_token", "this is not the token of the job that runs here")
        self.cancel()
        return 202, {"accepted": True}


def problem(status: int, code: str, detail: str) -> Answer:
    return status, {"title": code.replace("_", " "), "status": status, "code": code, "detail": detail}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Door

    def do_POST(self) -> None:
        actions = {"/job": self.server.job, "/cancel": self.server.cancellation}
        action = actions.get(self.path)
        length = self.headers.get("Content-Length", "")
        if action is None:
            self._answer(*problem(404, "not_found", "there are POST /job and POST /cancel"))
        elif not length.isdecimal() or int(length) > MOST_BODY:
            self._answer(*problem(413, "bad_length", f"send a Content-Length of at most {MOST_BODY} bytes"))
        else:
            try:
                body = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                self._answer(*problem(400, "bad_json", "the body must be JSON"))
            else:
                self._answer(*action(body))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(data)))
        if status in (404, 413):
            self.send_header("Connection", "close")  # its body was not read
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """The platform logs what matters; a request line does not."""
