"""A request as API Gateway gives it to a function: HTTP API, payload format 2.0.

AWS does not document every corner; where it does not, this follows captures of the real service:
- `rawPath` is decoded once, except `%25`, and ends at a decoded `?`; routes are matched on the decoded path, so
  an encoded slash cannot be part of a path variable. `rawQueryString` stays as sent.
- A body is text only for `text/*` and for JSON, XML and JavaScript under their plain `application/` names, in UTF-8.
  Everything else is base64: forms, `application/problem+json`, and a body without a content type.
- Keys that have nothing to say are absent: `cookies`, `queryStringParameters`, `pathParameters`, `body`.
"""

from __future__ import annotations

import base64
import random
import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from slipway.function import Event

from stacks.local.asgi import Scope

API_ID = "local"
ACCOUNT_ID = "000000000000"
REGION = "local"
STAGE = "$default"
_TEXT = frozenset({"application/json", "application/xml", "application/javascript"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
# API Gateway ends these at the front door; a function never sees them.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Request:
    """One request's parts, read once and shared by the authorizer's event and the function's."""

    __slots__ = ("cookies", "headers", "id", "method", "path", "protocol", "query", "received", "source_ip")

    def __init__(self, scope: Scope) -> None:
        # Ids name a request in the log and guard nothing: no system call for them, which costs more than they do.
        chance = random.randbytes(23)
        client = scope["client"]
        self.received = time.time()
        self.id = base64.b64encode(chance[:11]).decode()
        self.method: str = scope["method"]
        self.protocol = f"HTTP/{scope['http_version']}"
        self.source_ip: str = client[0] if client else "127.0.0.1"
        self.path = read_path(scope["raw_path"].decode("latin-1"))
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers, self.cookies = read_headers(scope["headers"])
        self._add_forwarding(scope, chance[11:].hex())

    def _add_forwarding(self, scope: Scope, trace: str) -> None:
        headers = self.headers
        before = headers.get("x-forwarded-for")
        headers["x-forwarded-for"] = f"{before}, {self.source_ip}" if before else self.source_ip
        headers["x-forwarded-port"] = str(scope["server"][1]) if scope.get("server") else ""
        headers["x-forwarded-proto"] = scope["scheme"]
        headers["x-amzn-trace-id"] = f"Root=1-{int(self.received):08x}-{trace}"
        headers.setdefault("content-length", "0")


def read_path(raw: str) -> str:
    """`rawPath` of a request target's path."""
    if "%" not in raw:
        return raw
    # Decoding must not touch %25, so it is escaped once more first.
    return unquote(raw.replace("%25", "%2525")).partition("?")[0]


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    """Lower-case names, duplicates joined by a comma; cookies apart, one entry each."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key == "cookie":
            cookies += [cookie for part in text.split(";") if (cookie := part.strip())]
        elif key in headers:
            headers[key] += f",{text}"
        elif key not in _HOP_BY_HOP:
            headers[key] = text
    return headers, cookies


def read_query(raw: str) -> dict[str, str]:
    """Decoded parameters; repeated ones joined by a comma, in the order sent."""
    values: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def is_text(content_type: str | None) -> bool:
    """Whether a request body of this type reaches the function as it is; base64 otherwise."""
    if content_type is None:
        return False
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower()
    if media not in _TEXT and not media.startswith("text/"):
        return False
    charset = _CHARSET.search(parameters) if parameters else None
    return charset is None or charset[1].lower() == "utf-8"


def context(request: Request, route_key: str) -> dict[str, Any]:
    """The `requestContext`, still without an authorizer."""
    host = request.headers.get("host", "")
    seconds = int(request.received)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request.id,
        "routeKey": route_key,
        "stage": STAGE,
        "time": clf_time(seconds),
        "timeEpoch": int(request.received * 1000),
    }


_last_time = (0, "")


def clf_time(seconds: int) -> str:
    """`12/Mar/2020:19:03:58 +0000`, with English month names whatever the locale."""
    global _last_time  # one formatting a second, not one a request
    if _last_time[0] != seconds:
        t = time.gmtime(seconds)
        month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[t.tm_mon - 1]
        stamp = f"{t.tm_mday:02}/{month}/{t.tm_year}:{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
        _last_time = (seconds, stamp)
    return _last_time[1]


def head(request: Request, route_key: str, params: dict[str, str]) -> Event:
    """What a route's and an authorizer's event have in common."""
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": request.headers,
        "requestContext": context(request, route_key),
    }
    if request.cookies:
        event["cookies"] = request.cookies
    if request.query and (query := read_query(request.query)):
        event["queryStringParameters"] = query
    if params:
        event["pathParameters"] = {name: value.replace("%25", "%") for name, value in params.items()}
    return event


def build(
    request: Request, route_key: str, params: dict[str, str], body: bytes, authorizer: dict[str, Any] | None
) -> Event:
    """The event of a route's function; `authorizer` is the context that the Lambda authorizer returned."""
    event = head(request, route_key, params)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = {"lambda": authorizer}
    event["isBase64Encoded"] = False
    if body:
        if is_text(request.headers.get("content-type")):
            event["body"] = body.decode("utf-8", "replace")
        else:
            event["body"] = base64.b64encode(body).decode()
            event["isBase64Encoded"] = True
    return event


def authorizer_event(request: Request, route_key: str, params: dict[str, str], identity: str) -> Event:
    """The event of a Lambda authorizer, format 2.0: no body, and the identity source apart."""
    path = request.path.lstrip("/")
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{API_ID}/{STAGE}/{request.method}/{path}"
    return {**head(request, route_key, params), "type": "REQUEST", "routeArn": arn, "identitySource": [identity]}
