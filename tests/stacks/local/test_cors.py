from __future__ import annotations

from stacks import cors
from stacks.local.cors import Cors

APP = "https://app.example.com"
PREFLIGHT = {"origin": APP, "access-control-request-method": "POST"}


def test_a_preflight_of_an_allowed_origin_gets_the_headers() -> None:
    headers = dict(Cors([APP]).preflight("OPTIONS", PREFLIGHT) or [])
    assert headers[b"access-control-allow-origin"] == APP.encode()
    assert b"PATCH" in headers[b"access-control-allow-methods"]
    assert headers[b"access-control-allow-headers"].decode().split(",") == list(cors.REQUEST_HEADERS)


def test_an_answer_shows_its_headers_to_an_allowed_origin_only() -> None:
    shown = dict(Cors([APP]).decorate({"origin": APP}, [(b"etag", b'"1"')]))
    assert shown[b"access-control-expose-headers"].decode().split(",") == list(cors.RESPONSE_HEADERS)
    assert b"access-control-expose-headers" not in dict(Cors([APP]).decorate({"origin": "https://evil.example"}, []))


def test_a_preflight_of_another_origin_gets_none() -> None:
    assert Cors([APP]).preflight("OPTIONS", PREFLIGHT | {"origin": "https://evil.example"}) == []


def test_what_is_not_a_preflight_goes_to_the_routes() -> None:
    assert Cors([APP]).preflight("OPTIONS", {"origin": APP}) is None
    assert Cors([APP]).preflight("GET", PREFLIGHT) is None
    assert Cors([]).preflight("OPTIONS", PREFLIGHT) is None


def test_the_functions_own_cors_headers_are_replaced() -> None:
    own = [(b"access-control-allow-origin", b"*"), (b"etag", b'"1"')]
    assert (b"access-control-allow-origin", APP.encode()) in Cors([APP]).decorate({"origin": APP}, own)
    assert Cors([APP]).decorate({"origin": "https://evil.example"}, own) == [(b"etag", b'"1"')]
    assert Cors([APP]).decorate({}, own) == [(b"etag", b'"1"')]
