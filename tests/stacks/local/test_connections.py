"""`@connections` as boto3 uses it, against real WebSockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.stacks.local.declared import Running, action, running, socket_authorizer


def who(event: Any, context: Any) -> Any:
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}


def management(started: Running, **keys: str) -> Any:
    return boto3.client(
        "apigatewaymanagementapi", endpoint_url=started.machine.connections_url, region_name="eu-central-1",
        aws_access_key_id=keys.get("access_key", started.machine.access_key),
        aws_secret_access_key=keys.get("secret_key", started.machine.secret_key),
        config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with running(sockets=[action("$default", who)], authorizers=[socket_authorizer()]) as started:
        yield started


@pytest.fixture
def client(gateway: Running) -> Iterator[ClientConnection]:
    with connect(gateway.socket_url + "/?ticket=t", compression=None, max_size=None) as opened:
        yield opened


def asked(started: Running, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    status, _, content = started.request(method, path, body, headers, started.port + 2)
    return status, content


def own_id(client: ClientConnection) -> str:
    client.send("who am I?")
    return str(client.recv(5))


def test_a_post_arrives_as_a_text_message(gateway: Running, client: ClientConnection) -> None:
    management(gateway).post_to_connection(ConnectionId=own_id(client), Data="é".encode())
    assert client.recv(5) == "é"


def test_a_message_of_128_kilobytes_is_delivered_and_a_longer_one_refused(
    gateway: Running, client: ClientConnection
) -> None:
    api, me = management(gateway), own_id(client)
    api.post_to_connection(ConnectionId=me, Data=b"a" * 128 * 1024)
    assert len(client.recv(5)) == 128 * 1024
    with pytest.raises(api.exceptions.PayloadTooLargeException):
        api.post_to_connection(ConnectionId=me, Data=b"a" * (128 * 1024 + 1))


def test_a_connection_is_described(gateway: Running, client: ClientConnection) -> None:
    description = management(gateway).get_connection(ConnectionId=own_id(client))
    assert description["Identity"]["SourceIp"] == "127.0.0.1" and "websockets" in description["Identity"]["UserAgent"]
    assert description["ConnectedAt"] <= description["LastActiveAt"]


def test_a_deleted_connection_is_closed_and_then_gone(gateway: Running, client: ClientConnection) -> None:
    api, me = management(gateway), own_id(client)
    api.delete_connection(ConnectionId=me)
    with pytest.raises(ConnectionClosed):
        client.recv(5)
    for call in (api.get_connection, api.delete_connection):
        with pytest.raises(api.exceptions.GoneException):
            call(ConnectionId=me)
    with pytest.raises(api.exceptions.GoneException) as caught:
        api.post_to_connection(ConnectionId=me, Data=b"x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_connection_is_gone_inside_its_own_connect() -> None:
    seen: list[Any] = []

    def greet(event: Any, context: Any) -> Any:
        api = management(started)
        try:
            api.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=b"hello")
        except api.exceptions.GoneException as e:
            seen.append(e)
        return {"statusCode": 200}

    with (
        running(sockets=[action("$connect", greet)], authorizers=[socket_authorizer()]) as started,
        connect(started.socket_url + "/?ticket=t"),
    ):
        pass
    assert len(seen) == 1


@pytest.mark.parametrize("keys", [{"secret_key": "wrong"}, {"access_key": "OTHER"}])
def test_another_key_is_403(gateway: Running, client: ClientConnection, keys: dict[str, str]) -> None:
    api, me = management(gateway, **keys), own_id(client)
    with pytest.raises(api.exceptions.ForbiddenException):
        api.post_to_connection(ConnectionId=me, Data=b"x")


def test_an_unsigned_post_as_a_web_page_would_make_it_is_403(gateway: Running, client: ClientConnection) -> None:
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert asked(gateway, "POST", f"/@connections/{own_id(client)}", b"x", headers)[0] == 403


def signed(started: Running, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    here = started.machine
    request = AWSRequest(method=method, url=f"{here.connections_url}{path}", data=body)
    SigV4Auth(Credentials(here.access_key, here.secret_key), "execute-api", "local").add_auth(request)
    return asked(started, method, path, body, dict(request.headers.items()))


def test_another_method_is_403_and_bytes_that_are_not_text_400(gateway: Running, client: ClientConnection) -> None:
    for method, body, status in (("PUT", b"", 403), ("POST", b"\xff", 400)):
        answer, content = signed(gateway, method, f"/@connections/{own_id(client)}", body)
        assert answer == status and json.loads(content)["message"]


def test_it_is_the_websocket_apis_and_not_the_http_apis(gateway: Running, client: ClientConnection) -> None:
    me = own_id(client)
    assert gateway.request("POST", f"/@connections/{me}", b"x")[0] == 404
    assert signed(gateway, "GET", f"/@connections/{me}", b"")[0] == 200
    assert signed(gateway, "GET", f"/_connections/{me}", b"")[0] == 403
