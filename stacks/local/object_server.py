"""Serves signed object URLs (ASGI, at `/_objects/`). Runs left this content behind: nothing of it may act as a page."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from slipway import object_names

from stacks.local import storage
from stacks.local.machine import Machine
from stacks.local.object_urls import MOUNT, BadSignature, verify

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CHUNK_BYTES = 256 * 1024
_CONTENT_TYPE = re.compile(r"[\x20-\x7e]{1,200}")
_CONFINED = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"sandbox"))


class Refused(Exception):
    """An answer that is not the object: status, a stable code, and what is wrong."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.document = {"code": code, "detail": detail}


def objects_app(machine: Machine) -> App:
    """The ASGI app; it takes the whole path, whether or not it is mounted."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await _answer(machine, scope, receive, send)
        except Refused as refused:
            body = json.dumps(refused.document).encode()
            await _start(send, refused.status, [(b"content-type", b"application/json")], len(body))
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return app


async def _answer(machine: Machine, scope: Scope, receive: Receive, send: Send) -> None:
    method = scope["method"]
    if method not in ("GET", "HEAD", "PUT"):
        raise Refused(405, "method_not_allowed", f"{method} is not possible here")
    prefix, _, key = scope["path"].removeprefix(MOUNT).partition("/")
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="surrogateescape"))
    try:
        verify(machine, method, prefix, key, query)
        place = storage.path(machine, prefix, key)
    except (BadSignature, ValueError) as error:
        raise Refused(403, "signature", str(error)) from None
    if method == "PUT":
        await _put(place, int(query["size"]), scope, receive, send)
    else:
        await _get(place, query.get("filename", ""), method == "HEAD", send)


async def _get(place: Path, filename: str, head: bool, send: Send) -> None:
    with storage.reading(place) as stored:
        if stored is None:
            raise Refused(404, "not_found", "there is no such object, or it has expired")
        headers = [(b"content-type", stored.content_type.encode("latin-1"))]
        if filename:
            headers.append((b"content-disposition", object_names.disposition(filename).encode()))
        await _start(send, 200, headers, stored.size)
        if not head:
            while chunk := await asyncio.to_thread(stored.file.read, CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _put(place: Path, size: int, scope: Scope, receive: Receive, send: Send) -> None:
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"").decode("latin-1")
    if announced != str(size):  # S3 signs the header, and answers so when it differs
        raise Refused(403, "signature", f"the URL is for exactly {size} bytes, not {announced or 'an unknown number'}")
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if not _CONTENT_TYPE.fullmatch(content_type):
        content_type = "binary/octet-stream"  # what S3 assumes
    with storage.writing(place, content_type) as file:
        left = size
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "incomplete", "the connection ended before the body did")
            body = message.get("body", b"")
            left -= len(body)
            if left < 0:
                break
            await asyncio.to_thread(file.write, body)
            if not message.get("more_body", False):
                break
        if left:
            raise Refused(400, "incomplete", f"the body is not the {size} bytes that were announced")
    await _start(send, 200, [], 0)
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]], size: int) -> None:
    length = (b"content-length", str(size).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, *_CONFINED]})
