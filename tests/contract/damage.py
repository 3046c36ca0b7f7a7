"""Damaged requests, derived from one of a route's examples: what a client, or an attacker, gets wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from slipway.ids import ALPHABET
from slipway.route import Route

from tests.contract.example import Example
from tests.contract.world import World

LONG = "x" * 70_000
SURROGATE = b'"\\ud800"'
WRONG_VALUES = (None, [], {}, "", "abc", -1, 1.5, True, 10**30, "a\u0000b", LONG, "\u202e")
RAW_BODIES = {
    "malformed JSON": b'{"a": ',
    "no JSON at all": b"name=value",
    "a space": b" ",
    "null": b"null",
    "a list": b"[]",
    "a string": b'"text"',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "not a number": b'{"attempt": NaN}',
    "nested deeply": b"[" * 5000 + b"]" * 5000,
    "a field twice": b'{"name": "x", "name": "y"}',
}
TYPES = ("text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", "", "nonsense")
GOOD_TYPES = ("application/json; charset=utf-8", "APPLICATION/JSON")
QUERY_VALUES = ("abc", "-1", "0", "", " 5", "1.0", "101", "9" * 30, "a\0b", "1,2", "é", LONG[:3000])


def damaged(route: Route, good: Example, w: World) -> Iterator[Example]:
    """Every damage that can be done to this route's example."""
    yield good.but("has no credential", by=None)
    yield good.but("has an invalid token", by="not-a-token")
    yield good.but("is a stranger's", by=w.stranger)
    yield from _paths(route, good, w)
    yield from _queries(route, good)
    for p in route.binding.parameters:
        if p.source == "header":
            for value in ("*", '"1-0"', "", "a, b", LONG[:4000]):
                yield good.but(f"has {p.key}: {value[:9]}", headers={p.key: value})
    if isinstance(good.body, dict):
        yield from _bodies(good)


def _paths(route: Route, good: Example, w: World) -> Iterator[Example]:
    for name, value in good.path.items():
        if name == "path":
            for bad in ("a//b", ".git/config", "a\nb", "x" * 600, "%25", "con", "a\\b"):
                yield good.but(f"has the path {bad[:12]!r}", path=good.path | {name: bad})
            continue
        prefix, _, suffix = value.partition("_")
        theirs = {"prj": w.stranger.project, "ws": w.stranger.workspace, "team": w.stranger.team}.get(prefix, {})
        for bad in (
            f"{prefix}_{'0' * 26}",
            f"{prefix}_x",
            f"usr_{suffix}",
            value.upper(),
            suffix or "x",  # no gateway matches a route with nothing in a segment
            ALPHABET[7] * 26,
            "\0",
            theirs.get("id", f"{prefix}_7{'z' * 25}"),
        ):
            yield good.but(f"has {name} {bad[:12]!r}", path=good.path | {name: bad})


def _queries(route: Route, good: Example) -> Iterator[Example]:
    for p in route.binding.parameters:
        if p.source == "query":
            for value in QUERY_VALUES:
                yield good.but(f"has {p.key}={value[:12]!r}", query={p.key: value})
    if route.spec.method == "GET":  # elsewhere it works, and what it deletes is gone
        yield good.but("has an unknown query parameter", query={**good.query, "unknown": "1"})


def _bodies(good: Example) -> Iterator[Example]:
    typed = {"content-type": "application/json"}
    yield good.but("has no body", body=None)
    yield good.but("has no body but a type", body=None, headers=typed)
    yield good.but("has an empty object", body={})
    yield good.but("has an unknown field", body=good.body | {"unknown": 1})
    for about, raw in RAW_BODIES.items():
        yield good.but(f"has a body that is {about}", body=raw, headers=typed)
    for type in TYPES:
        yield good.but(f"has the type {type!r}", body=json.dumps(good.body).encode(), headers={"content-type": type})
    for field in good.body:
        rest: dict[str, Any] = {k: v for k, v in good.body.items() if k != field}
        yield good.but(f"lacks {field}", body=rest)
        for value in WRONG_VALUES:
            yield good.but(f"has {field} {str(value)[:9]!r}", body=rest | {field: value})
        with_surrogate = json.dumps(rest | {field: "HERE"}).encode().replace(b'"HERE"', SURROGATE)
        yield good.but(f"has a lone surrogate as {field}", body=with_surrogate, headers=typed)
    for type in GOOD_TYPES:
        yield good.but(f"has the type {type}", body=json.dumps(good.body).encode(), headers={"content-type": type})
