"""CORS as an HTTP API answers it: by the gateway alone, before any route, and over whatever a function says.

A preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method`; it is answered 204 without an
authorizer or a function, with the headers for an allowed origin and without them for any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
REQUEST_HEADERS = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match")
EXPOSED_HEADERS = (
    "apigw-requestid", "etag", "idempotency-replayed", "link", "location",
    "ratelimit", "ratelimit-policy", "retry-after",
)  # fmt: skip
MAX_AGE_SECONDS = 600

RawHeaders = list[tuple[bytes, bytes]]


class Cors:
    """`allow_origins` are exact origins (`https://app.example.com`), or `*` alone; empty means CORS is not set up."""

    def __init__(self, allow_origins: Sequence[str] = ()) -> None:
        self._any = "*" in allow_origins
        self._origins = frozenset(allow_origins)
        self.enabled = bool(allow_origins)
        self._preflight = [
            (b"access-control-allow-methods", ",".join(METHODS).encode()),
            (b"access-control-allow-headers", ",".join(REQUEST_HEADERS).encode()),
            (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
        ]
        self._exposed = (b"access-control-expose-headers", ",".join(EXPOSED_HEADERS).encode())

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
