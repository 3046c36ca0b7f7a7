from __future__ import annotations

import re

from stacks.local import socket_event
from stacks.local.socket_event import Handshake

# The keys of `requestContext` in captured events of a WebSocket API.
COMMON = {
    "routeKey", "eventType", "extendedRequestId", "requestTime", "messageDirection", "stage", "connectedAt",
    "requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId",
}  # fmt: skip


def handshake(target: str = "/?ticket=t") -> Handshake:
    return Handshake(
        target, [("Host", "api.example"), ("X-A", "1"), ("X-A", "2"), ("User-Agent", "agent")], "192.0.2.1"
    )


def test_every_event_has_the_keys_of_a_captured_one() -> None:
    peer = handshake()
    assert socket_event.connect(peer, "r")["requestContext"].keys() == COMMON
    assert socket_event.message(peer, "x", "r", "{}")["requestContext"].keys() == COMMON | {"messageId"}
    gone = socket_event.disconnect(peer, "r", 1001, "Going away")["requestContext"]
    assert gone.keys() == COMMON | {"disconnectStatusCode", "disconnectReason"}
    assert gone["identity"] == {"sourceIp": "192.0.2.1", "userAgent": "agent"} and gone["domainName"] == "api.example"


def test_headers_keep_their_case_and_repeated_ones_are_listed() -> None:
    event = socket_event.connect(handshake(), "r")
    assert event["headers"]["X-A"] == "2" and event["multiValueHeaders"]["X-A"] == ["1", "2"]


def test_a_connection_without_a_query_has_no_parameters() -> None:
    assert (
        not {"queryStringParameters", "multiValueQueryStringParameters"}
        & socket_event.connect(handshake("/"), "r").keys()
    )


def test_each_event_has_its_own_copy_of_the_authorizers_context() -> None:
    peer = handshake()
    peer.authorizer = {"user_id": "u"}
    socket_event.message(peer, "x", "r", "{}")["requestContext"]["authorizer"]["user_id"] = "changed"
    assert socket_event.message(peer, "x", "r", "{}")["requestContext"]["authorizer"] == {"user_id": "u"}


def test_ids_need_no_escaping_but_for_the_padding() -> None:
    assert all(re.fullmatch(r"[\w-]{15}=", socket_event.new_id()) for _ in range(500))
