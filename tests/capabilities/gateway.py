"""The gateway's `@connections`, as small as a test needs it: a real socket, and signatures computed anew."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Gateway:
    """`delivered` holds (connection id, data); ids in `gone` answer 410; `closed` holds the ids that were deleted."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self.keys = (access_key, secret_key)
        self.delivered: list[tuple[str, bytes]] = []
        self.closed: list[str] = []
        self.gone: set[str] = set()
        self.peers: set[tuple[str, int]] = set()
        self.port = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> int:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        self.peers.add(handler.client_address)
        if not self._authentic(handler, body):
            return 403
        connection = unquote(handler.path.removeprefix("/@connections/").removeprefix("/%40connections/"))
        if connection in self.gone:
            return 410
        if handler.command == "DELETE":
            self.closed.append(connection)
            return 204
        self.delivered.append((connection, body))
        return 200

    def _authentic(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        sent = handler.headers.get("authorization", "")
        if "Credential=" not in sent:
            return False
        key, _, region, service, _ = sent.split("Credential=")[1].split(",")[0].split("/")
        names = sent.split("SignedHeaders=")[1].split(",")[0].split(";")
        headers = {name: handler.headers[name] for name in names if name != "host"}
        request = AWSRequest(handler.command, f"http://{handler.headers['host']}{handler.path}", headers, body)
        request.context["timestamp"] = handler.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(*self.keys), service, region)
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        return key == self.keys[0] and sent.endswith(f"Signature={signature}")


@contextmanager
def serving(gateway: Gateway) -> Iterator[Gateway]:
    open_connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_all(self) -> None:
            status = gateway.answer(self)
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", "2")
            self.end_headers()
            if status != 204:
                self.wfile.write(b"{}")

        do_POST = do_DELETE = do_GET = handle_all

        def setup(self) -> None:
            super().setup()
            open_connections.append(self.connection)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", gateway.port), Handler)
    server.daemon_threads = True
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        for connection in open_connections:  # a kept one would otherwise outlive its server
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()
