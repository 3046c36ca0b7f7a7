from __future__ import annotations

import time
from typing import Any

import pytest

from stacks.local.authorization import read_verdict
from stacks.local.http_response import Malformed
from tests.stacks.local.declared import http_authorizer, route, running

ROUTES = [route("GET /a", allow="self"), route("GET /b", allow="self"), route("GET /open")]
INTERNAL = (500, b'{"message":"Internal Server Error"}')


class Counting:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.events: list[Any] = []

    def __call__(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def get(started: Any, path: str, token: str = "") -> tuple[int, bytes]:
    status, _, body = started.request("GET", path, headers={"Authorization": token} if token else {})
    return status, body


def test_without_an_identity_source_the_authorizer_is_not_called() -> None:
    ask = Counting({"isAuthorized": True})
    with running(ROUTES, authorizers=[http_authorizer(ask)]) as started:
        assert get(started, "/a") == (401, b'{"message":"Unauthorized"}')
        assert get(started, "/open")[0] == 200
    assert ask.events == []


def test_a_verdict_holds_for_every_route_and_for_its_seconds_only() -> None:
    ask = Counting({"isAuthorized": True})
    with running(ROUTES, authorizers=[http_authorizer(ask, cache_seconds=1)]) as started:
        assert [get(started, path, "x")[0] for path in ("/a", "/b", "/a")] == [200] * 3
        assert len(ask.events) == 1
        assert get(started, "/a", "y")[0] == 200
        assert [event["identitySource"] for event in ask.events] == [["x"], ["y"]]
        time.sleep(1.1)
        get(started, "/a", "x")
    assert len(ask.events) == 3


def test_without_cache_seconds_every_request_asks() -> None:
    ask = Counting({"isAuthorized": True})
    with running(ROUTES, authorizers=[http_authorizer(ask)]) as started:
        get(started, "/a", "x"), get(started, "/a", "x")
    assert len(ask.events) == 2


def test_a_refusal_is_403_and_remembered_too() -> None:
    ask = Counting({"isAuthorized": False})
    with running(ROUTES, authorizers=[http_authorizer(ask, cache_seconds=60)]) as started:
        assert get(started, "/a", "x") == get(started, "/b", "x") == (403, b'{"message":"Forbidden"}')
    assert len(ask.events) == 1


@pytest.mark.parametrize(
    "answer", [ValueError("broken"), None, {"isAuthorized": "yes"}, {"isAuthorized": True, "context": 1}]
)
def test_an_authorizer_that_fails_is_500_and_not_remembered(answer: Any) -> None:
    ask = Counting(answer)
    with running(ROUTES, authorizers=[http_authorizer(ask, cache_seconds=60)]) as started:
        assert get(started, "/a", "x") == get(started, "/a", "x") == INTERNAL
    assert len(ask.events) == 2


def test_a_private_route_without_any_authorizer_is_closed() -> None:
    with running(ROUTES) as started:
        assert get(started, "/a", "x") == INTERNAL


def test_a_context_that_is_not_json_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_verdict({"isAuthorized": True, "context": {"a": object()}})
