"""A function's answer as an HTTP response: HTTP API, payload format 2.0.

With `statusCode` the answer is a response; without one, any JSON value is the body of a 200 of `application/json`,
a string as it is. Whatever Lambda or API Gateway would refuse is Malformed here, never mended.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

PAYLOAD_BYTES = 6 * 1024 * 1024  # of a synchronous Lambda event, and of its answer, as JSON
# A body this long may grow past the limit when written as JSON, where one character takes up to six bytes.
_WORTH_MEASURING = PAYLOAD_BYTES // 6 - 20_000
_KNOWN = frozenset({"statusCode", "headers", "body", "cookies", "isBase64Encoded"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE = re.compile(r"[\r\n\0]")
# The gateway writes these itself.
_OWN = frozenset(
    {b"connection", b"content-length", b"date", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_TEXT_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
_JSON = (b"content-type", b"application/json")

RawHeaders = list[tuple[bytes, bytes]]
_names: dict[str, bytes] = {}  # checked and lower-cased header names; functions use a few dozen


class Malformed(ValueError):
    """The answer cannot be a response; says why."""


class Response:
    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def message(status: int, text: str) -> Response:
    """API Gateway's own answers: `{"message":"Not Found"}`."""
    return Response(status, [_JSON], json.dumps({"message": text}, separators=(",", ":")).encode())


def too_long(value: Any) -> bool:
    """Whether an event or an answer is more than Lambda carries; measured only when it could be."""
    body = value.get("body") if isinstance(value, dict) else value
    if isinstance(body, str) and len(body) < _WORTH_MEASURING:
        return False
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) > PAYLOAD_BYTES


def parse(result: Any) -> Response:
    """The response that a function's return value stands for; raises Malformed."""
    if isinstance(result, dict) and "statusCode" in result:
        return _respond(result)
    try:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        if too_long(result):
            raise Malformed("the answer is longer than 6 MB")
        return Response(200, [_JSON], text.encode())
    except (TypeError, ValueError) as e:
        raise Malformed(f"the answer is not JSON: {e}") from e


def _respond(result: dict[str, Any]) -> Response:
    status = result["statusCode"]
    if type(status) is not int or not 200 <= status <= 599:
        raise Malformed(f"statusCode must be an integer from 200 to 599, it is {status!r}")
    if result.keys() - _KNOWN:
        _check_json({name: result[name] for name in result.keys() - _KNOWN})
    headers = _read_headers(result.get("headers"))
    for cookie in _list(result.get("cookies")):
        headers.append((b"set-cookie", _value("cookies", cookie)))
    body = _read_body(result)
    if too_long(result):
        raise Malformed("the answer is longer than 6 MB")
    if body and not any(name == b"content-type" for name, _ in headers):
        headers.append(_TEXT_PLAIN)
    return Response(status, headers, body)


def _check_json(extra: dict[str, Any]) -> None:
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as e:
        raise Malformed(f"the answer is not JSON: {e}") from e


def _read_headers(headers: Any) -> RawHeaders:
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise Malformed(f"headers must be an object, they are a {type(headers).__name__}")
    pairs = []
    for name, value in headers.items():
        raw = _names.get(name) or _name(name)
        if raw not in _OWN:
            pairs.append((raw, _value(name, value)))
    return pairs


def _name(name: Any) -> bytes:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Malformed(f"{name!r} is not a header name")
    raw = name.lower().encode("ascii")
    if len(_names) < 1000:
        _names[name] = raw
    return raw


def _value(name: str, value: Any) -> bytes:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str):
        raise Malformed(f"header {name} must be a string, it is a {type(value).__name__}")
    if _UNSAFE.search(value):
        raise Malformed(f"header {name} contains a line break")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError as e:
        raise Malformed(f"header {name} has characters that a header cannot carry") from e


def _list(cookies: Any) -> list[Any]:
    if cookies is None:
        return []
    if not isinstance(cookies, list):
        raise Malformed(f"cookies must be a list, they are a {type(cookies).__name__}")
    return cookies


def _read_body(result: dict[str, Any]) -> bytes:
    body, encoded = result.get("body"), result.get("isBase64Encoded", False)
    if not isinstance(encoded, bool):
        raise Malformed(f"isBase64Encoded must be true or false, it is {encoded!r}")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed(f"body must be a string, it is a {type(body).__name__}: encode it as JSON")
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode()
    except (binascii.Error, UnicodeEncodeError) as e:
        raise Malformed(f"the body cannot be encoded: {e}") from e
