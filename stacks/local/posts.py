"""The Connections of one machine: `@connections` requests to the gateway, signed with SigV4 as boto3 signs them.

boto3's own client takes twice as long for a request, which a broadcaster makes once per connection.
"""

from __future__ import annotations

import http.client
import threading
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from stacks.local.machine import Machine

TIMEOUT_SECONDS = 5.0
REGION = "local"
OK, GONE = 200, 410


class PostRefused(RuntimeError):
    """The gateway answered neither 200 nor 410."""


class SignedConnections:
    """One kept-open HTTP connection per thread."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._host = urlsplit(machine.connections_url).netloc
        self._thread = threading.local()

    def post(self, connection_id: str, data: bytes) -> bool:
        return self._request("POST", connection_id, data)

    def close(self, connection_id: str) -> None:
        self._request("DELETE", connection_id, b"")

    def _request(self, method: str, connection_id: str, data: bytes) -> bool:
        path = f"/@connections/{quote(connection_id, safe='')}"
        status, body = self._send(method, path, data, self._signed(method, path, data))
        if status == GONE:
            return False
        if not OK <= status < 300:
            raise PostRefused(f"{method} {path} was answered {status}: {body[:200]!r}")
        return True

    def _send(self, method: str, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Once more on a fresh connection when a kept one was closed by the gateway meanwhile."""
        kept: http.client.HTTPConnection | None = getattr(self._thread, "connection", None)
        for connection in filter(None, (kept, http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS))):
            self._thread.connection = connection
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                self._thread.connection = None
                if connection is not kept or isinstance(error, TimeoutError):
                    raise
        raise AssertionError("the loop ends in a return or raises")

    def _signed(self, method: str, path: str, data: bytes) -> dict[str, str]:
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method=method, url=f"http://{self._host}{path}", data=data)
        self._signer.add_auth(request)
        return dict(request.headers.items())

    @cached_property
    def _signer(self) -> Any:
        """Made at the first request: botocore takes a tenth of a second to import."""
        from botocore.auth import SigV4Auth
        from botocore.credentials import Credentials

        return SigV4Auth(Credentials(self._machine.access_key, self._machine.secret_key), "execute-api", REGION)
