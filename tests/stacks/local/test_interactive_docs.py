from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stacks.local.declared import Running, running

calls: list[int] = []


def openapi() -> dict[str, Any]:
    calls.append(1)
    return {"openapi": "3.1.0", "info": {"title": "é"}}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with running(openapi=openapi) as started:
        yield started


def test_the_page_and_everything_that_it_names_come_from_here(gateway: Running) -> None:
    status, headers, page = gateway.request("GET", "/docs")
    assert status == 200 and headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="([^"]+)"', page.decode())
    assert len(names) >= 4 and all(name.startswith("/docs/") for name in names)
    for name in names:
        status, _, content = gateway.request("GET", name)
        assert status == 200 and len(content) > 50, name
    assert "flask_swagger_ui" not in sys.modules


def test_the_policy_allows_no_other_host(gateway: Running) -> None:
    policy = gateway.request("GET", "/docs")[1]["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy


def test_the_document_is_rendered_once(gateway: Running) -> None:
    first, second = (gateway.request("GET", "/openapi.json")[2] for _ in range(2))
    assert json.loads(first) == {"openapi": "3.1.0", "info": {"title": "é"}} and first == second
    assert calls == [1]


@pytest.mark.parametrize("path", ["/docs/../__init__.py", "/docs/swagger-ui.js", "/docs/x", "/docs/%2e%2e/LICENSE"])
def test_no_other_file_is_served(gateway: Running, path: str) -> None:
    assert gateway.request("GET", path)[0] == 404
