from __future__ import annotations

import base64
import datetime
import json
from typing import Any

import pytest

from stacks.local import http_response
from stacks.local.http_response import Malformed, parse

JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ("Hello from Lambda!", b"Hello from Lambda!"),
        ({"message": "Hello from Lambda!"}, b'{"message": "Hello from Lambda!"}'),
        (["é"], '["é"]'.encode()),
        (None, b"null"),
        (1, b"1"),
    ],
)
def test_an_answer_without_a_status_code_is_a_json_body(result: Any, body: bytes) -> None:
    response = parse(result)
    assert (response.status, response.headers, response.body) == (200, [JSON], body)


def test_headers_cookies_and_body_are_taken_over() -> None:
    response = parse({"statusCode": 201, "headers": {"ETag": '"1"', "X-N": 1, "X-B": True}, "cookies": ["a=1", "b=2"]})
    assert response.status == 201 and response.body == b""
    assert response.headers == [
        (b"etag", b'"1"'), (b"x-n", b"1"), (b"x-b", b"true"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"),
    ]  # fmt: skip


def test_a_body_without_a_type_is_plain_text() -> None:
    assert parse({"statusCode": 200, "body": "x"}).headers == [(b"content-type", b"text/plain; charset=utf-8")]
    assert parse({"statusCode": 200, "body": "x", "headers": {"Content-Type": "image/svg"}}).headers == [
        (b"content-type", b"image/svg")
    ]


def test_a_base64_body_is_decoded() -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()
    assert parse({"statusCode": 200, "body": encoded, "isBase64Encoded": True}).body == b"\x00\xff"


def test_headers_of_the_connection_are_the_gateways() -> None:
    headers = {"Content-Length": "5", "Transfer-Encoding": "chunked", "Connection": "close", "X": "1"}
    assert parse({"statusCode": 204, "headers": headers}).headers == [(b"x", b"1")]


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": None},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": b"bytes"},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
        {"statusCode": 200, "isBase64Encoded": "true"},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "headers": {"a": ["1"]}},
        {"statusCode": 200, "headers": {"a": "1\r\nset-cookie: x=1"}},
        {"statusCode": 200, "headers": {"a b": "1"}},
        {"statusCode": 200, "headers": {"a\r\nb": "1"}},
        {"statusCode": 200, "headers": {"a": "✓"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\nb=2"]},
        {"statusCode": 200, "extra": datetime.datetime.now(datetime.UTC)},
        {"at": datetime.datetime.now(datetime.UTC)},
        b"bytes",
        object(),
    ],
)
def test_what_lambda_or_the_gateway_would_refuse_is_malformed(answer: Any) -> None:
    with pytest.raises(Malformed):
        parse(answer)


@pytest.mark.parametrize(
    ("body", "fits"),
    [("a" * (6 * 1024 * 1024 - 100), True), ("a" * (6 * 1024 * 1024), False), ('"' * (3 * 1024 * 1024), False)],
)
def test_an_answer_is_at_most_six_megabytes_of_json(body: str, fits: bool) -> None:
    answer = {"statusCode": 200, "body": body}
    assert (len(json.dumps(answer)) <= http_response.PAYLOAD_BYTES) is fits
    if fits:
        assert len(parse(answer).body) == len(body)
    else:
        with pytest.raises(Malformed, match="6 MB"):
            parse(answer)


def test_gateway_messages_are_written_as_aws_writes_them() -> None:
    assert http_response.message(404, "Not Found").body == b'{"message":"Not Found"}'
