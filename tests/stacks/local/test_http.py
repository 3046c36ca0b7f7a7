"""The HTTP API over real sockets."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stacks.local.ports import HOST
from tests.stacks.local.declared import Running, echo, http_authorizer, route, running

UNAUTHORIZED, FORBIDDEN = b'{"message":"Unauthorized"}', b'{"message":"Forbidden"}'
INTERNAL = b'{"message":"Internal Server Error"}'


def allow(event: Any, context: Any) -> Any:
    return {"isAuthorized": True, "context": {"user_id": "usr_1", "scopes": ["a"]}}


def boom(event: Any, context: Any) -> Any:
    raise ValueError("the reason")


def slow(event: Any, context: Any) -> Any:
    time.sleep(0.6)
    return {"statusCode": 200, "body": "late"}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    answers: dict[str, Any] = {
        "binary": {"statusCode": 200, "body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True},
        "cookies": {"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "body": "x"},
        "plain": "Hello",
        "malformed": {"statusCode": 200, "body": {"not": "text"}},
        "empty": {"statusCode": 204},
    }
    routes = [
        route("POST /echo"), route("GET /echo/{id}/{rest+}"), route("GET /echo/{id}"), route("PUT /echo"),
        route("GET /boom", boom), route("GET /slow", slow, timeout=0.2), route("GET /limited", throttle=2),
        route("GET /private", allow="self"),
        *(route(f"GET /{name}", lambda e, c, answer=answer: answer) for name, answer in answers.items()),
    ]  # fmt: skip
    with running(routes, authorizers=[http_authorizer(allow)]) as started:
        yield started


def test_a_request_becomes_an_event_and_its_answer_a_response(gateway: Running) -> None:
    event = gateway.event("POST", "/echo?a=1&a=2", b'{"x": 1}', Content_Type="application/json", Cookie="s=1")
    assert event["body"] == '{"x": 1}' and event["isBase64Encoded"] is False
    assert event["routeKey"] == "POST /echo" and event["queryStringParameters"] == {"a": "1,2"}
    assert event["cookies"] == ["s=1"] and event["headers"]["content-type"] == "application/json"
    assert event["requestContext"]["http"]["sourceIp"] == HOST
    assert event["requestContext"]["http"]["protocol"] == "HTTP/1.1"


def test_path_variables_are_decoded_and_a_greedy_one_takes_the_rest(gateway: Running) -> None:
    assert gateway.event("GET", "/echo/a%20b/c/d%40e")["pathParameters"] == {"id": "a b", "rest": "c/d@e"}


def test_an_encoded_slash_separates_segments(gateway: Running) -> None:
    assert gateway.event("GET", "/echo/a%2Fb")["pathParameters"] == {"id": "a", "rest": "b"}


def test_a_form_arrives_as_base64(gateway: Running) -> None:
    event = gateway.event("POST", "/echo", b"a=1", Content_Type="application/x-www-form-urlencoded")
    assert (event["body"], event["isBase64Encoded"]) == (base64.b64encode(b"a=1").decode(), True)


def test_a_chunked_body_is_put_together(gateway: Running) -> None:
    connection = http.client.HTTPConnection(HOST, gateway.port)
    connection.request("POST", "/echo", iter([b"ab", b"cd"]), {"Content-Type": "text/plain"}, encode_chunked=True)
    event = json.loads(connection.getresponse().read())
    connection.close()
    assert event["body"] == "abcd" and "transfer-encoding" not in event["headers"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/echo"), ("GET", "/nothing"), ("POST", "/boom")])
def test_an_unknown_path_or_method_is_404_and_never_405(gateway: Running, method: str, path: str) -> None:
    status, headers, body = gateway.request(method, path)
    assert (status, body) == (404, b'{"message":"Not Found"}')
    assert headers["content-type"] == "application/json" and headers["apigw-requestid"]


def test_a_failing_function_is_500_and_logged_with_the_request_id(gateway: Running, caplog: Any) -> None:
    with caplog.at_level(logging.ERROR, "slipway.gateway"):
        status, headers, body = gateway.request("GET", "/boom")
    assert (status, body) == (500, INTERNAL)
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.fields["request_id"] == headers["apigw-requestid"]
    assert "the reason" in str(record.exc_info)


def test_a_malformed_answer_is_500(gateway: Running) -> None:
    assert gateway.request("GET", "/malformed")[::2] == (500, INTERNAL)


def test_a_function_that_takes_too_long_is_503(gateway: Running) -> None:
    started = time.monotonic()
    assert gateway.request("GET", "/slow")[::2] == (503, b'{"message":"Service Unavailable"}')
    assert time.monotonic() - started < 0.55


def test_answers_of_every_form_arrive(gateway: Running) -> None:
    assert gateway.request("GET", "/binary")[2] == b"\x00\xff"
    assert gateway.request("GET", "/cookies")[1].get_all("set-cookie") == ["a=1; Path=/", "b=2"]
    status, headers, body = gateway.request("GET", "/plain")
    assert (status, headers["content-type"], body) == (200, "application/json", b"Hello")
    status, headers, body = gateway.request("GET", "/empty")
    assert (status, headers["content-length"], body) == (204, None, b"")


def test_a_route_lets_its_throttle_pass_and_no_more(gateway: Running) -> None:
    statuses = [gateway.request("GET", "/limited")[0] for _ in range(5)]
    assert statuses[:2] == [200, 200] and 429 in statuses[2:]


def test_a_body_over_ten_megabytes_is_413(gateway: Running) -> None:
    connection = http.client.HTTPConnection(HOST, gateway.port)
    connection.putrequest("POST", "/echo")
    connection.putheader("content-length", str(10 * 1024 * 1024 + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (413, b'{"message":"Request Entity Too Large"}')
    connection.close()


@pytest.mark.parametrize(("size", "status"), [(4_700_000, 200), (4_730_000, 413)])
def test_an_event_over_six_megabytes_does_not_reach_the_function(gateway: Running, size: int, status: int) -> None:
    # Base64 adds a third.
    headers = {"Content-Type": "application/octet-stream"}
    assert gateway.request("PUT", "/echo", b"\0" * size, headers)[0] == status


@pytest.mark.parametrize(("size", "status"), [(9_000, 200), (11_000, 431)])
def test_headers_are_limited_to_ten_kilobytes_in_all(gateway: Running, size: int, status: int) -> None:
    assert gateway.request("GET", "/plain", headers={"x-long": "a" * size})[0] == status


def test_a_connection_is_kept_alive(gateway: Running) -> None:
    connection = http.client.HTTPConnection(HOST, gateway.port)
    for _ in range(3):
        connection.request("GET", "/plain")
        assert connection.getresponse().read() == b"Hello"
        own = connection.sock
    assert connection.sock is own
    connection.close()


def test_head_of_a_get_route_is_404_as_the_method_differs(gateway: Running) -> None:
    assert gateway.request("HEAD", "/plain")[0] == 404


def test_a_private_route_without_a_credential_is_401_and_with_one_gets_the_context(gateway: Running) -> None:
    assert gateway.request("GET", "/private")[::2] == (401, UNAUTHORIZED)
    assert gateway.request("GET", "/private", headers={"Authorization": ""})[::2] == (401, UNAUTHORIZED)
    event = gateway.event("GET", "/private", authorization="Bearer t")
    assert event["requestContext"]["authorizer"] == {"lambda": {"user_id": "usr_1", "scopes": ["a"]}}


def test_functions_that_wait_do_not_block_one_another() -> None:
    gate = threading.Barrier(24, timeout=8)

    def meet(event: Any, context: Any) -> Any:
        gate.wait()
        return {"statusCode": 200}

    with running([route("GET /meet", meet)]) as started, ThreadPoolExecutor(24) as clients:
        answers = list(clients.map(lambda _: started.request("GET", "/meet")[0], range(24)))
    assert answers == [200] * 24


def test_cors_is_answered_by_the_gateway_and_not_by_the_function() -> None:
    origin = "https://app.example.com"

    def own(event: Any, context: Any) -> Any:
        return {"statusCode": 200, "headers": {"access-control-allow-origin": "*"}}

    with running([route("GET /own", own)], allow_origins=[origin]) as started:
        preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        status, headers, _ = started.request("OPTIONS", "/own", headers=preflight)
        assert (status, headers["access-control-allow-origin"]) == (204, origin)
        assert started.request("GET", "/own", headers={"Origin": origin})[1]["access-control-allow-origin"] == origin
        evil = started.request("GET", "/own", headers={"Origin": "https://evil.example"})[1]
        assert evil["access-control-allow-origin"] is None


def test_a_mount_takes_its_prefix_before_any_route() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"mount"})

    with running([route("GET /{proxy+}", echo)], mounts={"/_objects/": app}) as started:
        assert started.request("GET", "/_objects/x")[2] == b"mount"
        assert started.request("GET", "/_object")[2].startswith(b"{")


def test_the_access_log_has_the_route_and_neither_path_nor_header(gateway: Running, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "slipway.gateway"):
        gateway.request("GET", "/echo/secret-id", headers={"Authorization": "Bearer secret-token"})
        time.sleep(0.05)
    (record,) = [r for r in caplog.records if r.getMessage() == "request"]
    assert record.fields.keys() == {"method", "route", "status", "ms", "request_id"}
    assert record.fields["route"] == "GET /echo/{id}" and "secret" not in str(record.fields)
