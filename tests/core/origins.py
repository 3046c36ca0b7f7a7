"""Public requests from elsewhere than the tests' own 127.0.0.1."""

from __future__ import annotations

from typing import Any

from tests.api import Response, event, routes


def ask(key: str, body: Any, address: str, user_agent: str = "") -> Response:
    given = event(key, body, None, {"user-agent": user_agent}, {})
    given["requestContext"]["http"]["sourceIp"] = address
    answer = routes()[key](given, None)
    return Response(answer["statusCode"], answer["headers"], answer["body"].encode())


def login(email: str, password: str, address: str = "192.0.2.7", user_agent: str = "") -> Response:
    return ask("POST /v1/auth/login", {"email": email, "password": password}, address, user_agent)
