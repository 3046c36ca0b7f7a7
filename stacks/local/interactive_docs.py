"""`/docs` and `/openapi.json`: Swagger UI from the files of an installed package, over the rendered OpenAPI document.

Nothing comes from another host. The document is rendered at the first request for it, since that imports FastAPI.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from stacks.local.asgi import Receive, Scope, Send

PREFIXES = ("/docs", "/openapi.json")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".html": "text/html; charset=utf-8"}
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "index.css", "favicon-16x16.png", "favicon-32x32.png")
_POLICY = b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Slipway API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="stylesheet" href="/docs/index.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true, validatorUrl: null,
});
"""


class InteractiveDocs:
    """An ASGI application for PREFIXES. `openapi` renders the document and may be slow; it is called once."""

    def __init__(self, openapi: Callable[[], dict[str, Any]]) -> None:
        self._openapi = openapi
        self._rendering = asyncio.Lock()
        self._document: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "/openapi.json":
            await _send(scope, send, 200, "application/json", await self._render())
            return
        content = None if scope["method"] not in ("GET", "HEAD") else _content(path)
        if content is None:
            await _send(scope, send, 404, "application/json", b'{"message":"Not Found"}')
        else:
            await _send(scope, send, 200, *content)

    async def _render(self) -> bytes:
        async with self._rendering:
            if self._document is None:
                document = await asyncio.to_thread(self._openapi)
                self._document = json.dumps(document, ensure_ascii=False).encode()
        return self._document


def _content(path: str) -> tuple[str, bytes] | None:
    """Content type and content of a page or file; only names listed here reach the disk."""
    if path in ("/docs", "/docs/"):
        return _TYPES[".html"], _PAGE.encode()
    name = path.removeprefix("/docs/")
    if name == "start.js":
        return _TYPES[".js"], _START.encode()
    return (_TYPES[Path(name).suffix], _file(name)) if name in _FILES else None


@cache
def _file(name: str) -> bytes:
    # Found without importing the package, which would import Flask.
    package = importlib.util.find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise FileNotFoundError("flask-swagger-ui is not installed: run scripts/install")
    return (Path(package.origin).parent / "dist" / name).read_bytes()


async def _send(scope: Scope, send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", _POLICY),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
