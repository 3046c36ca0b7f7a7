"""Calls to a provider: no redirect is followed, and an answer must be there whole within five seconds.

Who is called is the caller's business: URLs of the settings, or of the discovery document that stands under one.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

SECONDS = 5.0
MOST_BYTES = 262_144


class Unreachable(RuntimeError):
    """No answer, one that is too late or too large, or one that means nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """With what Authlib's client asks of a response."""

    url: str
    status_code: int
    content: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise Unreachable(f"{self.url} did not answer with JSON") from None

    def raise_for_status(self) -> None:
        if self.status_code != 200:
            raise Unreachable(f"{self.url} answered {self.status_code}")


class Session:
    """What Authlib's client speaks through. Made for one exchange."""

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any) -> Answer:
        """`auth` is Authlib's ClientAuth. It writes into the headers that it gets: they are Authlib's own, so a copy."""
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return ask("POST", url, headers, body.encode())


def document(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at a URL; raises Unreachable."""
    answer = ask("GET", url, {"Accept": "application/json", **(headers or {})})
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise Unreachable(f"{url} answered with JSON that is no object")
    return found


def ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    """Raises Unreachable, for a redirect too."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        with _connected(parts.scheme, parts.hostname or "", parts.port) as connection:
            connection.request(method, target, body, {**headers, "Connection": "close"})
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"{url}: {type(error).__name__}: {error}") from None
    if 300 <= response.status < 400:
        raise Unreachable(f"{url} redirects, which is not followed")
    if len(content) > MOST_BYTES:
        raise Unreachable(f"{url} answered with more than {MOST_BYTES} bytes")
    return Answer(url, response.status, content)


@contextmanager
def _connected(scheme: str, host: str, port: int | None) -> Iterator[http.client.HTTPConnection]:
    """A connection that is cut when the time is over: a socket's own timeout begins anew with every byte."""
    late = threading.Event()
    connection = http.client.HTTPConnection(host, port)
    connected = socket.create_connection((host, port or (443 if scheme == "https" else 80)), SECONDS)
    if scheme == "https":
        import ssl

        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, context=context)
        connected = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
    connection.sock = connected
    timer = threading.Timer(SECONDS, _cut, [connected, late])
    timer.daemon = True
    timer.start()
    try:
        if scheme == "https":
            connected.do_handshake()  # type: ignore[attr-defined]
        yield connection
        if late.is_set():
            raise TimeoutError("cut off")
    finally:
        timer.cancel()
        connection.close()
        connected.close()


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):  # it was over at this very moment
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # below TLS, which is in the middle of reading
