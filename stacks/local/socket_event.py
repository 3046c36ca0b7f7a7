"""The events of a WebSocket API: CONNECT, MESSAGE and DISCONNECT for routes, REQUEST for the `$connect` authorizer."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from slipway.function import Event

from stacks.local.http_event import ACCOUNT_ID, REGION, clf_time

API_ID = "socket"
STAGE = "local"
CONNECT_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{API_ID}/{STAGE}/$connect"


def new_id() -> str:
    """A request, message or connection id: 15 characters and `=`."""
    return base64.b64encode(os.urandom(11), b"-_").decode()


class Handshake:
    """What is known of a connection from its upgrade request; `authorizer` once it has been let in."""

    __slots__ = ("authorizer", "connected_at", "headers", "host", "id", "query", "source_ip", "user_agent")

    def __init__(self, target: str, headers: Iterable[tuple[str, str]], source_ip: str) -> None:
        self.id = new_id()
        self.connected_at = time.time()
        self.source_ip = source_ip
        self.headers: dict[str, list[str]] = {}
        for name, value in headers:
            self.headers.setdefault(name, []).append(value)
        lower = {name.lower(): values[-1] for name, values in self.headers.items()}
        self.host = lower.get("host", "")
        self.user_agent = lower.get("user-agent", "")
        self.query: dict[str, list[str]] = {}
        for name, value in parse_qsl(target.partition("?")[2], keep_blank_values=True):
            self.query.setdefault(name, []).append(value)
        self.authorizer: dict[str, Any] | None = None

    def parameter(self, name: str) -> str:
        """A query parameter, the last when it is repeated; empty when absent."""
        return self.query.get(name, [""])[-1]


def context(handshake: Handshake, route_key: str, kind: str, request_id: str) -> dict[str, Any]:
    """The `requestContext`; `kind` is CONNECT, MESSAGE or DISCONNECT."""
    now = time.time()
    identity = {"sourceIp": handshake.source_ip}
    if handshake.user_agent:
        identity["userAgent"] = handshake.user_agent
    request: dict[str, Any] = {
        "routeKey": route_key,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": clf_time(int(now)),
        "messageDirection": "IN",
        "stage": STAGE,
        "connectedAt": int(handshake.connected_at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": identity,
        "requestId": request_id,
        "domainName": handshake.host,
        "connectionId": handshake.id,
        "apiId": API_ID,
    }
    if handshake.authorizer is not None:
        request["authorizer"] = dict(handshake.authorizer)
    return request


def _upgrade(handshake: Handshake, request_id: str) -> Event:
    event: Event = {
        "headers": {name: values[-1] for name, values in handshake.headers.items()},
        "multiValueHeaders": handshake.headers,
        "requestContext": context(handshake, "$connect", "CONNECT", request_id),
    }
    if handshake.query:
        event["queryStringParameters"] = {name: values[-1] for name, values in handshake.query.items()}
        event["multiValueQueryStringParameters"] = handshake.query
    return event


def connect(handshake: Handshake, request_id: str) -> Event:
    return {**_upgrade(handshake, request_id), "isBase64Encoded": False}


def authorizer(handshake: Handshake, request_id: str) -> Event:
    return {**_upgrade(handshake, request_id), "type": "REQUEST", "methodArn": CONNECT_ARN}


def message(handshake: Handshake, route_key: str, request_id: str, body: str) -> Event:
    request = context(handshake, route_key, "MESSAGE", request_id)
    request["messageId"] = new_id()
    return {"requestContext": request, "body": body, "isBase64Encoded": False}


def disconnect(handshake: Handshake, request_id: str, code: int, reason: str) -> Event:
    request = context(handshake, "$disconnect", "DISCONNECT", request_id)
    request["disconnectStatusCode"] = code
    request["disconnectReason"] = reason
    headers = {"Host": handshake.host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": request,
        "isBase64Encoded": False,
    }
