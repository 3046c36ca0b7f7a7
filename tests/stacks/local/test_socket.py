"""The WebSocket API over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from stacks.local.socket import Limits
from tests.stacks.local.declared import Running, action, policy, running, socket_authorizer

OK = {"statusCode": 200}


def reply(event: Any, context: Any) -> Any:
    return {"statusCode": 200, "body": json.dumps(event)}


def boom(event: Any, context: Any) -> Any:
    raise ValueError("the reason")


class Recording:
    def __init__(self, answer: Any = OK) -> None:
        self.answer = answer
        self.events: list[Any] = []

    def __call__(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        return self.answer

    def wait(self, count: int = 1) -> list[Any]:
        end = time.monotonic() + 5
        while len(self.events) < count and time.monotonic() < end:
            time.sleep(0.01)
        return self.events


@contextmanager
def api(*functions: Any, authorizer: Any = None, **limits: Any) -> Iterator[Running]:
    authorizers = [authorizer or socket_authorizer()]
    with running(sockets=list(functions), authorizers=authorizers, limits=Limits(**limits)) as started:
        yield started


def join(started: Running, query: str = "/?ticket=t", **options: Any) -> ClientConnection:
    return connect(started.socket_url + query, **{"compression": None, "max_size": None, "open_timeout": 5, **options})


def ask(client: ClientConnection, message: Any) -> Any:
    client.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(client.recv(5))


def refused(started: Running, query: str = "/?ticket=t") -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as caught:
        join(started, query)
    response = caught.value.response
    assert response.headers["content-type"] == "application/json"
    return response.status_code, json.loads(response.body)


def test_messages_go_to_the_function_of_their_action_and_its_body_comes_back() -> None:
    with api(action("room.post", reply)) as started, join(started) as client:
        text = '{"action": "room.post", "text": "é"}'
        event = ask(client, text)
    request = event["requestContext"]
    assert event["body"] == text and event["isBase64Encoded"] is False and "headers" not in event
    assert request["routeKey"] == "room.post" and request["eventType"] == "MESSAGE"
    assert request["messageDirection"] == "IN" and request["messageId"] and request["requestId"]
    assert request["authorizer"]["principalId"] == "usr_1" and request["authorizer"]["user_id"] == "usr_1"
    assert request["identity"]["sourceIp"] == "127.0.0.1" and request["connectionId"].endswith("=")


@pytest.mark.parametrize("text", ["not json", "[1]", '"a"', '{"action": 1}', '{"action": "other"}', "{}", "[" * 30_000])
def test_anything_else_goes_to_default(text: str) -> None:
    with api(action("$default", reply), action("known", boom)) as started, join(started) as client:
        assert ask(client, text)["requestContext"]["routeKey"] == "$default"


@pytest.mark.parametrize("name", ["$connect", "$disconnect"])
def test_a_client_cannot_call_the_lifecycle_routes(name: str) -> None:
    lifecycle = Recording()
    with api(action(name, lifecycle), action("$default", reply)) as started, join(started) as client:
        before = len(lifecycle.events)
        assert ask(client, {"action": name})["requestContext"]["routeKey"] == "$default"
        assert len(lifecycle.events) == before


def test_without_default_an_unknown_action_is_forbidden() -> None:
    with api(action("known", reply)) as started, join(started) as client:
        frame = ask(client, {"action": "other"})
    assert frame.keys() == {"message", "connectionId", "requestId"} and frame["message"] == "Forbidden"


@pytest.mark.parametrize("answer", [None, {}, "text", {"statusCode": 200, "body": {"a": 1}}, {"statusCode": "200"}])
def test_a_malformed_answer_is_an_error_frame(answer: Any) -> None:
    with api(action("x", Recording(answer))) as started, join(started) as client:
        assert ask(client, {"action": "x"})["message"] == "Internal server error"


def test_a_failure_and_a_timeout_are_error_frames_and_the_connection_stays_open() -> None:
    late = action("late", lambda event, context: time.sleep(0.5), timeout=0.1)
    with api(action("boom", boom), late, action("$default", reply)) as started, join(started) as client:
        failed = ask(client, {"action": "boom"})
        assert failed["message"] == "Internal server error"
        assert ask(client, {"action": "late"})["message"] == "Endpoint request timed out"
        assert ask(client, "still here")["requestContext"]["connectionId"] == failed["connectionId"]


def test_a_body_is_sent_whatever_its_status_and_nothing_is_sent_without_one() -> None:
    silent, angry = Recording(), Recording({"statusCode": 500, "body": "no"})
    with api(action("silent", silent), action("angry", angry)) as started, join(started) as client:
        client.send('{"action": "silent"}')
        silent.wait()
        client.send('{"action": "angry"}')
        assert client.recv(5) == "no"


def test_messages_of_one_connection_are_worked_on_at_the_same_time_but_not_without_bound() -> None:
    running_now, most = [0], [0]

    def work(event: Any, context: Any) -> Any:
        running_now[0] += 1
        most[0] = max(most[0], running_now[0])
        time.sleep(0.1)
        running_now[0] -= 1
        return {"statusCode": 200, "body": "x"}

    with api(action("$default", work), in_work=3) as started, join(started) as client:
        for _ in range(12):
            client.send("x")
        assert [client.recv(5) for _ in range(12)] == ["x"] * 12
    assert most[0] == 3


# ── Before the upgrade ───────────────────────────────────────────────────────────────────────────────────────────────


def test_connect_gets_the_upgrade_request_and_the_authorizers_context() -> None:
    seen, asked = Recording(), Recording(policy(user_id="usr_1", n=1))
    with (
        api(action("$connect", seen), authorizer=socket_authorizer(asked)) as started,
        join(started, "/?ticket=t&a=1&a=2", additional_headers={"X-A": "1"}),
    ):
        pass
    (event,), (question,) = seen.events, asked.events
    assert event["queryStringParameters"] == {"ticket": "t", "a": "2"}
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "2"] and event["headers"]["X-A"] == "1"
    assert event["requestContext"]["eventType"] == "CONNECT" and event["requestContext"]["routeKey"] == "$connect"
    assert event["requestContext"]["authorizer"] == {"principalId": "usr_1", "user_id": "usr_1", "n": 1}
    assert question["type"] == "REQUEST" and question["methodArn"].endswith("/$connect")
    assert question["requestContext"]["connectionId"] == event["requestContext"]["connectionId"]
    assert "authorizer" not in question["requestContext"]


def test_without_a_ticket_nobody_is_asked_and_the_upgrade_is_401() -> None:
    asked = Recording(policy())
    with api(authorizer=socket_authorizer(asked)) as started:
        for query in ("/", "/?ticket=", "/?other=1"):
            status, body = refused(started, query)
            assert (status, body["message"]) == (401, "Unauthorized")
    assert asked.events == []


def test_a_plain_request_does_not_spend_the_ticket() -> None:
    asked = Recording(policy())
    with api(authorizer=socket_authorizer(asked)) as started:
        started.port += 1
        assert started.request("GET", "/?ticket=t")[0] == 426
    assert asked.events == []


def test_another_path_is_403() -> None:
    with api() as started:
        assert refused(started, "/other?ticket=t")[0] == 403


@pytest.mark.parametrize(
    ("answer", "status"), [(policy("Deny"), 403), (policy(resource="arn:aws:other"), 403), (None, 500), ({}, 500)]
)
def test_a_denied_client_is_403_and_a_broken_authorizer_500(answer: Any, status: int) -> None:
    connected = Recording()
    with api(action("$connect", connected), authorizer=socket_authorizer(Recording(answer))) as started:
        assert refused(started)[0] == status
    assert connected.events == []


def test_without_an_authorizer_the_api_is_closed() -> None:
    with running(sockets=[action("$default", reply)]) as started:
        assert refused(started)[0] == 500


@pytest.mark.parametrize(
    ("answer", "status"), [({"statusCode": 403}, 403), ({"statusCode": 429, "body": "x"}, 429), (None, 502), ("x", 502)]
)
def test_connect_can_refuse_and_then_nothing_is_disconnected(answer: Any, status: int) -> None:
    gone = Recording()
    with api(action("$connect", Recording(answer)), action("$disconnect", gone)) as started:
        assert refused(started)[0] == status
    assert gone.events == []


# ── The end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def closed(client: ClientConnection, seconds: float = 5) -> int | None:
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(seconds)
    return caught.value.rcvd.code if caught.value.rcvd else None


def test_a_binary_frame_closes_with_1003() -> None:
    with api(action("$default", reply)) as started, join(started) as client:
        client.send(b"binary")
        assert closed(client) == 1003


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([32 * 1024], None),
        ([32 * 1024 + 1], 1009),
        ([32 * 1024] * 4, None),
        ([32 * 1024] * 4 + [1], 1009),
    ],
)
def test_frames_are_limited_to_32_and_messages_to_128_kilobytes(frames: list[int], code: int | None) -> None:
    size = Recording({"statusCode": 200, "body": "fits"})
    with api(action("$default", size)) as started, join(started) as client:
        client.send("a" * n for n in frames) if len(frames) > 1 else client.send("a" * frames[0])
        if code is None:
            assert client.recv(5) == "fits" and len(size.events[0]["body"]) == sum(frames)
        else:
            assert closed(client) == code


def test_an_idle_connection_is_closed_and_an_active_one_is_not() -> None:
    with api(action("$default", reply), idle_seconds=0.6) as started, join(started) as client:
        started_at = time.monotonic()
        for _ in range(4):
            time.sleep(0.3)
            ask(client, "x")
        assert closed(client) == 1001
        assert 1.6 < time.monotonic() - started_at < 3


def test_a_connection_ends_after_its_life_however_active() -> None:
    with api(action("$default", reply), life_seconds=0.5) as started, join(started) as client:
        ask(client, "x")
        assert closed(client) == 1001


def test_disconnect_is_told_once_with_the_code() -> None:
    gone = Recording()
    with api(action("$disconnect", gone)) as started:
        with join(started) as client:
            client.close(4000, "bye")
        (event,) = gone.wait()
        time.sleep(0.1)
    request = event["requestContext"]
    assert len(gone.events) == 1 and request["eventType"] == "DISCONNECT" and request["routeKey"] == "$disconnect"
    assert (request["disconnectStatusCode"], request["disconnectReason"]) == (4000, "bye")
    assert request["authorizer"]["user_id"] == "usr_1"


def test_a_client_that_vanishes_is_disconnected_too() -> None:
    gone = Recording()
    with api(action("$disconnect", gone)) as started:
        join(started).socket.close()
        assert gone.wait()[0]["requestContext"]["disconnectStatusCode"] == 1006


def test_stopping_closes_with_1001_after_the_messages_in_work() -> None:
    def work(event: Any, context: Any) -> Any:
        begun.append(1)
        time.sleep(0.4)
        return {"statusCode": 200, "body": "done"}

    begun: list[int] = []
    gone = Recording()
    with ExitStack() as after:
        with api(action("$default", work), action("$disconnect", gone)) as started:
            client = after.enter_context(join(started))
            client.send("x")
            while not begun:
                time.sleep(0.01)
        assert client.recv(5) == "done" and closed(client) == 1001
    assert len(gone.events) == 1
