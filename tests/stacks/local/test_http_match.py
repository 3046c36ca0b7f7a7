from __future__ import annotations

import pytest

from stacks.local.http_match import Matcher

# The example of "Routes for HTTP APIs" in API Gateway's developer guide, and cases that it leaves to the reader.
ROUTES = (
    "GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default",
    "POST /pets/{kind}/{id}", "GET /shops/{shop}/pets", "GET /shops/{shop}", "ANY /shops/main", "GET /a/{x}/c",
    "GET /{x}/b/c", "GET /a/{rest+}",
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "key", "params"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("POST", "/pets/dog/1", "POST /pets/{kind}/{id}", {"kind": "dog", "id": "1"}),
        ("GET", "/shops/main", "ANY /shops/main", {}),
        ("GET", "/shops/other", "GET /shops/{shop}", {"shop": "other"}),
        ("GET", "/shops/main/pets", "GET /shops/{shop}/pets", {"shop": "main"}),
        ("DELETE", "/shops/other", "ANY /{proxy+}", {"proxy": "shops/other"}),
        ("GET", "/a/b/c", "GET /a/{x}/c", {"x": "b"}),
        ("GET", "/z/b/c", "GET /{x}/b/c", {"x": "z"}),
        ("GET", "/a/b/d", "GET /a/{rest+}", {"rest": "b/d"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, key: str, params: dict[str, str]) -> None:
    assert Matcher((k, k) for k in ROUTES).find(method, path) == (key, params)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/things/1"), ("GET", "/things/"), ("GET", "/things/1/"), ("GET", "/things"), ("GET", "//things/1")],
)
def test_another_method_or_an_empty_segment_is_not_found(method: str, path: str) -> None:
    assert Matcher([("GET /things/{id}", 1)]).find(method, path) is None


def test_a_full_match_beats_a_greedy_one_with_a_longer_fixed_part() -> None:
    matcher = Matcher([("GET /a/{rest+}", "greedy"), ("GET /{x}/b/c", "full")])
    assert matcher.find("GET", "/a/b/c") == ("full", {"x": "a"})
