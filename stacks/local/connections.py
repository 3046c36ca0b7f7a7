"""`/@connections/{id}`: how functions and consumers reach a WebSocket, as with boto3's `apigatewaymanagementapi`.

On AWS the WebSocket API's host serves this; here a port of its own stands for it, since the WebSocket API's own port
speaks WebSocket only. POST delivers one text message of at most 128 KB, GET describes the connection, DELETE closes it.
410 when there is no such connection: it has closed, or its `$connect` has not been answered yet.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from stacks.local import http_event, signature
from stacks.local.asgi import Receive, Scope, Send

MESSAGE_BYTES = 128 * 1024
PREFIX = "/@connections/"


class Stuck(Exception):
    """The client does not read: its buffers stay full."""


class Peers(Protocol):
    """The open connections, by id; every method says None or False for a connection that is gone."""

    async def post(self, connection_id: str, text: str) -> bool: ...

    async def drop(self, connection_id: str) -> bool: ...

    def describe(self, connection_id: str) -> dict[str, Any] | None: ...


Answer = tuple[int, str, Any]  # status, error type, JSON value or None


class ConnectionsApi:
    """An ASGI application that knows `/@connections/{id}` and nothing else."""

    def __init__(self, peers: Peers, access_key: str, secret_key: str) -> None:
        self._peers = peers
        self._access_key = access_key
        self._secret_key = secret_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        status, error, value = (
            (413, "PayloadTooLargeException", {"message": "Message too long"})
            if body is None
            else await self._answer(scope, body)
        )
        content = b"" if value is None else json.dumps(value).encode()
        headers = [(b"content-type", b"application/json")] if content else []
        if error:
            headers.append((b"x-amzn-errortype", error.encode()))
        if status != 204:
            headers.append((b"content-length", b"%d" % len(content)))
        if body is None:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, body: bytes) -> Answer:
        headers, _ = http_event.read_headers(scope["headers"])
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        keys = {"access_key": self._access_key, "secret_key": self._secret_key}
        if not scope["path"].startswith(PREFIX) or not signature.verify(scope["method"], target, headers, body, **keys):
            return 403, "ForbiddenException", {"message": "Forbidden"}
        connection_id = scope["path"][len(PREFIX) :]
        if scope["method"] == "POST":
            return await self._post(connection_id, body)
        if scope["method"] == "DELETE":
            return _found(await self._peers.drop(connection_id), 204, None)
        if scope["method"] == "GET":
            description = self._peers.describe(connection_id)
            return _found(description is not None, 200, description)
        return 403, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"}

    async def _post(self, connection_id: str, body: bytes) -> Answer:
        try:
            return _found(await self._peers.post(connection_id, body.decode()), 200, None)
        except UnicodeDecodeError:
            return 400, "BadRequestException", {"message": "Invalid UTF-8: this API carries text frames only"}
        except Stuck:
            return 429, "LimitExceededException", {"message": "The client does not read its messages"}


def _found(found: bool, status: int, value: Any) -> Answer:
    return (status, "", value) if found else (410, "GoneException", {"message": "Gone"})


async def _read(receive: Receive) -> bytes | None:
    """The body, or None when it is longer than a message may be."""
    chunks: list[bytes] = []
    total, more = 0, True
    while more:
        part = await receive()
        chunk = part.get("body", b"")
        total += len(chunk)
        if total > MESSAGE_BYTES:
            return None
        chunks.append(chunk)
        more = part.get("more_body", False)
    return b"".join(chunks)
