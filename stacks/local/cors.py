"""CORS as an HTTP API answers it: by the gateway alone, before any route, and over whatever a function says.

A preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method`; it is answered 204 without an
authorizer or a function, with the headers for an allowed origin and without them for any other.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from stacks import cors
from stacks.local.asgi import App, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]


class Cors:
    """`allow_origins` are exact origins (`https://app.example.com`), or `*` alone; empty means CORS is not set up."""

    def __init__(self, allow_origins: Sequence[str] = ()) -> None:
        self._any = "*" in allow_origins
        self._origins = frozenset(allow_origins)
        self.enabled = bool(allow_origins)
        self._preflight = [
            (b"access-control-allow-methods", ",".join(cors.METHODS).encode()),
            (b"access-control-allow-headers", ",".join(cors.REQUEST_HEADERS).encode()),
            (b"access-control-max-age", str(cors.MAX_AGE_SECONDS).encode()),
        ]
        self._exposed = (b"access-control-expose-headers", ",".join(cors.RESPONSE_HEADERS).encode())

    def _allowed(self, headers: Mapping[str, str]) -> bytes | None:
        origin = headers.get("origin")
        if origin is None:
            return None
        if self._any:
            return b"*"
        return origin.encode("latin-1") if origin in self._origins else None

    def preflight(self, method: str, headers: Mapping[str, str]) -> RawHeaders | None:
        """The headers of the 204 answer when this request is a preflight, else None."""
        if not (self.enabled and method == "OPTIONS"):
            return None
        if "origin" not in headers or "access-control-request-method" not in headers:
            return None
        origin = self._allowed(headers)
        return [] if origin is None else [(b"access-control-allow-origin", origin), *self._preflight]

    def decorate(self, request_headers: Mapping[str, str], response: RawHeaders) -> RawHeaders:
        """The response's headers with the gateway's own CORS headers in place of the function's."""
        kept = [pair for pair in response if not pair[0].startswith(b"access-control-")]
        origin = self._allowed(request_headers)
        if origin is not None:
            kept += [(b"access-control-allow-origin", origin), self._exposed]
        return kept


def opened(app: App, cors: Cors) -> App:
    """The application for browsers of the allowed origins too, as a bucket's CORS rule opens its objects to them."""
    if not cors.enabled:
        return app

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        preflight = cors.preflight(scope["method"], headers)
        if preflight is not None:
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b""})
            return

        async def decorated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": cors.decorate(headers, message["headers"])}
            await send(message)

        await app(scope, receive, decorated)

    return answered
