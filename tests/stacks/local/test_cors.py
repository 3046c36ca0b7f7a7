from __future__ import annotations

from stacks.local.cors import Cors

APP = "https://app.example.com"
PREFLIGHT = {"origin": APP, "access-control-request-method": "POST"}


def test_a_preflight_of_an_allowed_origin_gets_the_headers() -> None:
    headers = dict(Cors([APP]).preflight("OPTIONS", PREFLIGHT) or [])
    assert headers[b"access-control-allow-origin"] == APP.encode()
    assert b"PATCH" in headers[b"access-control-allow-methods"]
    assert b"authorization" in headers[b"access-control-allow-headers"]


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
