"""The HTTP API of one machine: an ASGI application that turns requests into events for functions, and back.

The order is API Gateway's: size, route (404, there is no 405), throttle (429), authorizer (401, 403), function.
The bodies of its own answers are AWS's, which cannot be changed there either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from slipway.authorizer import Authorizer
from slipway.route import Route

from stacks.local import access_log, http_event, http_response
from stacks.local.asgi import App, Receive, Scope, Send
from stacks.local.authorization import HttpAuthorizer
from stacks.local.cors import Cors
from stacks.local.http_event import Request
from stacks.local.http_match import Matcher
from stacks.local.http_response import Malformed, Response, message
from stacks.local.invocation import FunctionTimeout, Invoker
from stacks.local.throttle import Bucket

REQUEST_BYTES = 10 * 1024 * 1024
HEADER_BYTES = 10_240  # request line and headers together
INTEGRATION_SECONDS = 29.0

NOT_FOUND = message(404, "Not Found")
UNAUTHORIZED = message(401, "Unauthorized")
FORBIDDEN = message(403, "Forbidden")
TOO_LARGE = message(413, "Request Entity Too Large")
TOO_MANY = message(429, "Too Many Requests")
HEADERS_TOO_LARGE = message(431, "Request Header Fields Too Large")
INTERNAL = message(500, "Internal Server Error")
UNAVAILABLE = message(503, "Service Unavailable")


class _Target:
    """A route with everything that does not change from request to request."""

    __slots__ = ("bucket", "function", "key", "public", "seconds")

    def __init__(self, route: Route) -> None:
        self.function = route
        self.key = route.spec.key
        self.public = route.spec.allow == "public"
        self.seconds = min(route.spec.timeout, INTEGRATION_SECONDS)
        self.bucket = Bucket(route.spec.throttle)


class TooLarge(Exception):
    """The request's body exceeds REQUEST_BYTES."""


class ClientGone(Exception):
    """The connection closed before the request was complete."""


class HttpApi:
    """`mounts` are ASGI applications by path prefix, as further behaviours of a CloudFront distribution would be."""

    def __init__(
        self,
        routes: Sequence[Route],
        authorizer: Authorizer | None,
        invoker: Invoker,
        *,
        allow_origins: Sequence[str] = (),
        mounts: Mapping[str, App] | None = None,
    ) -> None:
        self._matcher = Matcher((route.spec.key, _Target(route)) for route in routes)
        self._authorizer = HttpAuthorizer(authorizer, invoker) if authorizer else None
        self._invoker = invoker
        self._cors = Cors(allow_origins)
        self._mounts = dict(mounts or {})
        self._prefixes = tuple(self._mounts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._prefixes and scope["path"].startswith(self._prefixes):
            prefix = next(p for p in self._prefixes if scope["path"].startswith(p))
            await self._mounts[prefix](scope, receive, send)
            return
        started = perf_counter()
        request = Request(scope)
        try:
            route_key, response = await self._answer(request, scope, receive)
        except ClientGone:
            return
        if self._cors.enabled:
            response = Response(response.status, self._cors.decorate(request.headers, response.headers), response.body)
        await _send(request, response, send)
        access_log.access(request.method, route_key, response.status, perf_counter() - started, request.id)

    async def _answer(self, request: Request, scope: Scope, receive: Receive) -> tuple[str, Response]:
        """The route key, "-" when there is none, and the response."""
        if _head_bytes(scope) > HEADER_BYTES:
            return "-", HEADERS_TOO_LARGE
        preflight = self._cors.preflight(request.method, request.headers)
        if preflight is not None:
            return "-", Response(204, preflight, b"")
        try:
            body = await _read_body(request, receive)
        except TooLarge:
            return "-", TOO_LARGE
        found = self._matcher.find(request.method, request.path)
        if found is None:
            return "-", NOT_FOUND
        target, params = found
        if not target.bucket.take():
            return target.key, TOO_MANY
        try:
            return target.key, await self._authorize_and_invoke(request, target, params, body)
        except FunctionTimeout as e:
            access_log.failure(target.function.spec.name, request.id, e)
            return target.key, UNAVAILABLE
        except Exception as e:
            access_log.failure(target.function.spec.name, request.id, e)
            return target.key, INTERNAL

    async def _authorize_and_invoke(
        self, request: Request, target: _Target, params: dict[str, str], body: bytes
    ) -> Response:
        context: dict[str, Any] | None = None
        if not target.public:
            verdict = await self._authorize(request, target, params)
            if isinstance(verdict, Response):
                return verdict
            context = verdict
        event = http_event.build(request, target.key, params, body, context)
        if body and http_response.too_long(event):
            return TOO_LARGE
        result = await self._invoker.call(target.function, event, request.id, target.seconds)
        return http_response.parse(result)

    async def _authorize(
        self, request: Request, target: _Target, params: dict[str, str]
    ) -> dict[str, Any] | Response | None:
        """The authorizer's context, or the refusal."""
        identity = request.headers.get("authorization")
        if not identity:
            return UNAUTHORIZED
        if self._authorizer is None:
            raise Malformed(f"{target.key} needs an authorizer and none is declared: add one under functions/")
        verdict = self._authorizer.remembered(identity)
        if verdict is None:
            try:
                verdict = await self._authorizer.ask(request, target.key, params, identity)
            except FunctionTimeout as e:  # a function's timeout is 503, an authorizer's is 500
                raise Malformed(f"authorizer: {e}") from e
        allowed, context = verdict
        return context if allowed else FORBIDDEN


def _head_bytes(scope: Scope) -> int:
    line = len(scope["raw_path"]) + len(scope["query_string"]) + len(scope["method"]) + 11  # spaces, `?`, version
    return line + sum(len(name) + len(value) for name, value in scope["headers"])


async def _read_body(request: Request, receive: Receive) -> bytes:
    length = request.headers.get("content-length", "0")
    if length == "0" and request.method in ("GET", "HEAD"):
        return b""
    if length.isdigit() and int(length) > REQUEST_BYTES:
        raise TooLarge
    chunks: list[bytes] = []
    total, more = 0, True
    while more:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise ClientGone
        chunk = part.get("body", b"")
        total += len(chunk)
        if total > REQUEST_BYTES:
            raise TooLarge
        chunks.append(chunk)
        more = part.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(request: Request, response: Response, send: Send) -> None:
    headers = [*response.headers, (b"apigw-requestid", request.id.encode())]
    body = response.body
    if response.status in (204, 304):
        body = b""
    else:
        headers.append((b"content-length", b"%d" % len(body)))
    if response.status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
