from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from stacks.local import http_event
from stacks.local.http_event import Request

# From "Create AWS Lambda proxy integrations for HTTP APIs" in API Gateway's developer guide, payload format 2.0,
# without what our API has not: client certificates, a JWT authorizer, stage variables.
DOCUMENTED = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": "Hello from Lambda",
    "pathParameters": {"parameter1": "value1"},
    "isBase64Encoded": False,
}


def request(target: str = "/", headers: tuple[tuple[str, str], ...] = (), method: str = "GET") -> Request:
    path, _, query = target.partition("?")
    return Request(
        {
            "method": method,
            "http_version": "1.1",
            "client": ("192.0.2.1", 5000),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
    )


def build(r: Request, body: bytes = b"", authorizer: Any = None, **params: str) -> dict[str, Any]:
    return http_event.build(r, "$default", params, body, authorizer)


def shape(value: Any) -> Any:
    return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)


def test_the_event_is_the_documented_example() -> None:
    headers = (
        ("Host", "id.execute-api.us-east-1.amazonaws.com"), ("User-Agent", "agent"), ("Header1", "value1"),
        ("Header2", "value1"), ("Header2", "value2"), ("Cookie", "cookie1; cookie2"), ("Content-Type", "text/plain"),
    )  # fmt: skip
    target = f"/my/path?{DOCUMENTED['rawQueryString']}"
    event = build(request(target, headers, "POST"), b"Hello from Lambda", parameter1="value1")
    own = ("accountId", "apiId", "requestId", "time", "timeEpoch")  # differ from account to account, call to call
    assert shape(event["requestContext"]) == shape(DOCUMENTED["requestContext"])
    for name, value in DOCUMENTED["requestContext"].items():
        assert name in own or event["requestContext"][name] == value
    for name in DOCUMENTED.keys() - {"requestContext", "headers"}:
        assert event[name] == DOCUMENTED[name], name
    assert DOCUMENTED["headers"].items() <= event["headers"].items()
    assert event.keys() == DOCUMENTED.keys()


def test_time_and_epoch_are_the_same_moment() -> None:
    context = build(request())["requestContext"]
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["time"])
    assert http_event.clf_time(context["timeEpoch"] // 1000) == context["time"]
    assert http_event.clf_time(1584039838) == "12/Mar/2020:19:03:58 +0000"


def test_what_is_not_there_is_absent_and_never_null() -> None:
    event = build(request())
    absent = {"cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"}
    assert not absent & event.keys()
    assert event["rawQueryString"] == "" and event["isBase64Encoded"] is False
    assert "null" not in json.dumps(event)
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a/b", "/a/b"),
        ("/a%20b", "/a b"),
        ("/%C3%A9", "/é"),
        ("/a%2Fb", "/a/b"),
        ("/a%252Eb", "/a%252Eb"),
        ("/100%25", "/100%25"),
        ("/a%3Fb=c", "/a"),
        ("/a+b", "/a+b"),
        ("/a%23b", "/a#b"),
        ("/%zz", "/%zz"),
    ],
)
def test_the_raw_path_is_decoded_once_except_the_percent_sign(raw: str, path: str) -> None:
    assert http_event.read_path(raw) == path


def test_path_parameters_are_fully_decoded() -> None:
    assert build(request("/x"), name="100%25 é")["pathParameters"] == {"name": "100% é"}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("a=1&a=2&b=3", {"a": "1,2", "b": "3"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b%20c+d&e%5B%5D=1", {"a": "b c d", "e[]": "1"}),
        ("a=1=2", {"a": "1=2"}),
        ("a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_query_parameters_are_decoded_and_joined_while_the_raw_query_is_kept(
    query: str, values: dict[str, str]
) -> None:
    event = build(request(f"/?{query}"))
    assert event["queryStringParameters"] == values
    assert event["rawQueryString"] == query


def test_headers_are_lower_case_joined_and_without_cookies_and_hops() -> None:
    headers = (("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2"), ("Cookie", "c=3"), ("Connection", "close"))
    event = build(request("/", headers))
    assert event["headers"]["x-a"] == "1,2"
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert not {"cookie", "connection", "X-A"} & event["headers"].keys()


def test_the_forwarding_headers_are_added() -> None:
    headers = build(request("/", (("X-Forwarded-For", "203.0.113.9"),)))["headers"]
    assert headers["x-forwarded-for"] == "203.0.113.9, 192.0.2.1"
    assert headers["x-forwarded-port"] == "8000" and headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["x-amzn-trace-id"])


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON;charset=UTF-8", True),
        ("text/plain", True),
        ("text/csv", True),
        ("text/plain; charset=iso-8859-1", False),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/problem+json", False),
        ("application/vnd.api+json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/octet-stream", False),
        ("image/png", False),
        ("", False),
        (None, False),
    ],
)
def test_a_body_is_base64_unless_its_type_is_text(content_type: str | None, text: bool) -> None:
    headers = () if content_type is None else (("Content-Type", content_type),)
    event = build(request("/", headers, "POST"), "é=1".encode())
    assert event["isBase64Encoded"] is not text
    assert event["body"] == ("é=1" if text else base64.b64encode("é=1".encode()).decode())


def test_the_authorizers_context_is_under_lambda() -> None:
    assert build(request(), authorizer={"user_id": "u"})["requestContext"]["authorizer"] == {"lambda": {"user_id": "u"}}


def test_the_authorizers_event_names_the_route_and_the_identity() -> None:
    event = http_event.authorizer_event(
        request("/v1/x?a=1", (("Authorization", "Bearer t"),)), "GET /v1/x", {}, "Bearer t"
    )
    assert event["type"] == "REQUEST" and event["version"] == "2.0"
    assert event["identitySource"] == ["Bearer t"]
    assert event["routeArn"] == "arn:aws:execute-api:local:000000000000:local/$default/GET/v1/x"
    assert event["queryStringParameters"] == {"a": "1"} and "body" not in event


def test_request_ids_do_not_repeat() -> None:
    ids = {request().id for _ in range(1000)}
    assert len(ids) == 1000 and all(re.fullmatch(r"[\w+/]{15}=", i) for i in ids)
