"""The WebSocket shell: a message becomes an action's arguments, and its answer names the message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from slipway import discover
from slipway.frames import Connection, Message
from slipway.socket import Socket, socket

from tests.api import Api
from tests.core.backstage import say


def send(function: Socket, body: str, kind: str = "MESSAGE", authorizer: Any = None) -> Any:
    user = {
        "kind": "user",
        "user_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "session_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    }
    context = {"connectionId": "c1", "requestId": "r1", "eventType": kind, "authorizer": authorizer or user}
    answer = function({"requestContext": context, "body": body}, None)
    return json.loads(answer["body"]) if "body" in answer else answer


class Said(Message):
    word: str


@socket("say")
def speak(connection: Connection, message: Said) -> list[str]:
    if message.word == "boom":
        raise ValueError("the secret detail")
    return [connection, message.word]


def test_an_answer_names_the_action_and_the_message() -> None:
    answer = send(speak, '{"action": "say", "id": 7, "word": "hi"}')
    assert answer == {"action": "say", "id": 7, "ok": True, "data": ["c1", "hi"]}


def test_an_error_has_the_shape_of_http_s_and_names_the_message() -> None:
    answer = send(speak, '{"action": "say", "id": "m1", "word": 1, "more": 2}')
    assert (answer["id"], answer["ok"], answer["error"]["code"]) == ("m1", False, "invalid")
    assert {e["pointer"] for e in answer["error"]["errors"]} == {"/message/word", "/message/more"}
    assert (answer["error"]["request_id"], answer["error"]["instance"]) == ("r1", "say")


@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"x"', "[" * 30_000], ids=range(6))
def test_what_is_no_message_is_refused(body: str) -> None:
    answer = send(speak, body)
    assert answer["ok"] is False and answer["error"]["code"] in ("invalid_json", "invalid")


def test_what_nobody_expected_is_internal_and_only_the_log_knows_why(log_lines: Callable[[], list[str]]) -> None:
    answer = send(speak, '{"action": "say", "word": "boom"}')
    assert answer["error"]["code"] == "internal" and "secret" not in json.dumps(answer)
    assert "the secret detail" in log_lines()[-1]


@pytest.mark.parametrize("kind", ["nobody", "run"])
def test_only_a_user_speaks(kind: str) -> None:
    answer = send(speak, '{"action": "say", "word": "x"}', authorizer={"kind": kind, "token_hash": "00"})
    assert answer["error"]["code"] == "unauthenticated"


def test_a_refused_connect_is_a_status_and_no_frame(api: Api) -> None:
    connect = next(s for s in discover.sockets() if s.spec.action == "$connect")
    assert send(connect, "", kind="CONNECT", authorizer={"kind": "nobody"}) == {"statusCode": 401}


def test_an_unknown_action_is_named(api: Api) -> None:
    answer = say("$default", api.register(), "c1", id="m1")
    assert (answer["ok"], answer["id"], answer["error"]["code"]) == (False, "m1", "unknown_action")


def test_ping_is_answered_with_pong(api: Api) -> None:
    assert say("ping", api.register(), "c1", id=1) == {"action": "ping", "id": 1, "ok": True, "data": "pong"}
