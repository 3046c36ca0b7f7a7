"""One kept connection to the platform's internal API, and what to do when it does not answer."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import urlsplit

TIMEOUT = 10.0
MOST = 1024 * 1024  # bytes of an answer
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
RETRIED = frozenset({408, 425, 429})
STALE = frozenset({401, 403, 404, 409, 410})


class Stale(Exception):
    """This attempt is no longer wanted: another one has taken over, or its token is void."""


class Undelivered(Exception):
    """The platform refused a report, or did not answer until the deadline."""


class Deadline:
    """When to stop trying, in time.monotonic(); may be moved while others wait for it."""

    def __init__(self, at: float) -> None:
        self.at = at

    def sooner(self, seconds: float) -> None:
        self.at = min(self.at, time.monotonic() + seconds)


class Channel:
    """Not for several threads at once."""

    def __init__(self, url: str, token: str, attempt: int, deadline: Deadline) -> None:
        parts = urlsplit(url)
        self.path = parts.path
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.attempt = attempt
        self.deadline = deadline
        self.connection = connection(url)

    def connect(self) -> None:
        """Ahead of the first report, so that it costs less; failure shows then."""
        with contextlib.suppress(OSError):
            self.connection.connect()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer. Repeats what the network lost until the deadline; raises Stale or Undelivered."""
        data = json.dumps({"attempt": self.attempt, **body}).encode()
        return _json(self._repeat(path, lambda: self._once("POST", self.path + path, data, self.headers)))

    def post_once(self, path: str) -> dict[str, Any]:
        """The answer, or nothing when there is none this time. Raises Stale."""
        try:
            data = json.dumps({"attempt": self.attempt}).encode()
            return _json(_checked(path, *self._once("POST", self.path + path, data, self.headers)))
        except (OSError, http.client.HTTPException, Undelivered):
            self.connection.close()
            return {}

    def put(self, url: str, file: IO[bytes], size: int) -> None:
        """Upload `size` bytes from the start of a file to a signed URL; raises Stale or Undelivered."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")

        def once() -> tuple[int, bytes]:
            file.seek(0)
            with contextlib.closing(connection(url)) as other:
                other.request("PUT", target, body=file, headers={"Content-Length": str(size)})
                response = other.getresponse()
                return response.status, response.read(MOST)

        self._repeat("upload", once)

    def _repeat(self, what: str, once: Callable[[], tuple[int, bytes]]) -> bytes:
        pause = FIRST_PAUSE
        while True:
            try:
                status, answer = once()
                if status < 500 and status not in RETRIED:
                    return _checked(what, status, answer)
                why = f"status {status}"
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                why = str(error) or type(error).__name__
            if time.monotonic() + pause > self.deadline.at:
                raise Undelivered(f"{what}: {why}")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _once(self, method: str, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        self._bound()
        self.connection.request(method, path, body=data, headers=headers)
        response = self.connection.getresponse()
        answer = response.read(MOST)
        if not response.isclosed():  # longer than any answer of ours
            self.connection.close()
        return response.status, answer

    def _bound(self) -> None:
        """Wait for no answer much beyond the deadline."""
        seconds = max(1.0, min(TIMEOUT, self.deadline.at - time.monotonic()))
        self.connection.timeout = seconds
        if self.connection.sock:
            self.connection.sock.settimeout(seconds)

    def close(self) -> None:
        self.connection.close()


def connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=TIMEOUT)


def _checked(what: str, status: int, answer: bytes) -> bytes:
    if status in STALE:
        raise Stale(f"{what}: status {status}")
    if not 200 <= status < 300:
        raise Undelivered(f"{what}: status {status} {answer[:200]!r}")
    return answer


def _json(answer: bytes) -> dict[str, Any]:
    try:
        value = json.loads(answer or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
