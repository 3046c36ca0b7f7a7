"""The shells of queue, schedule, event and authorizer functions, on functions declared here for the purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel
from slipway import capabilities, trigger
from slipway.authorizer import authorizer
from slipway.capabilities import DATABASE, GONE_QUEUE, UndeclaredUse
from slipway.catalogue import RUNS
from slipway.event import event
from slipway.queue import queue
from slipway.schedule import schedule

from tests.api import Api


class Said(BaseModel):
    word: str


heard: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_heard() -> None:
    heard.clear()


def hear(said: Said) -> None:
    if said.word == "bad":
        raise ValueError("no good")
    heard.append(said.word)


def record(id: str, body: str) -> dict[str, Any]:
    return {"messageId": id, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}


def test_a_bad_record_goes_back_alone() -> None:
    bodies = ['{"word": "one"}', '{"word": "bad"}', "no json", '{"other": 1}', '{"word": "two"}']
    answer = trigger.records(queue(RUNS)(hear), {"Records": [record(str(i), b) for i, b in enumerate(bodies)]}, None)
    assert heard == ["one", "two"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": n} for n in ("1", "2", "3")]}


def test_a_failed_message_says_in_the_log_how_often_it_was_received(log_lines: Callable[[], list[str]]) -> None:
    trigger.records(queue(RUNS)(hear), {"Records": [record("m1", '{"word": "bad"}')]}, None)
    line = json.loads(log_lines()[-1])
    assert (line["message"], line["receives"], line["request_id"]) == ("message_failed", "1", "m1")


def test_a_schedule_is_called_without_arguments_and_its_failure_is_raised() -> None:
    def job() -> None:
        heard.append("tick")
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        schedule("rate(1 minute)")(job)({}, SimpleNamespace(aws_request_id="r"))
    assert heard == ["tick"]


@pytest.mark.parametrize(
    ("rate", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 day)", 86400)]
)
def test_a_rate_is_eventbridge_s_own(rate: str, seconds: int) -> None:
    assert schedule(rate)(lambda: None).spec.seconds == seconds


@pytest.mark.parametrize("rate", ["cron(0 * * * ? *)", "rate(minute)", "rate(1 week)", "every minute"])
def test_another_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="is not rate"):
        _ = schedule(rate)(lambda: None).spec.seconds


def test_an_event_s_detail_becomes_the_model() -> None:
    event("test", "Said")(hear)({"id": "e", "detail": {"word": "hello"}}, None)
    assert heard == ["hello"]


def test_an_http_authorizer_always_lets_through_and_says_who() -> None:
    def who(header: str) -> dict[str, str] | None:
        return {"kind": "user", "header": header} if header else None

    function = authorizer("http")(who)
    request = {"requestContext": {"requestId": "r"}, "headers": {}}
    assert function(request, None) == {"isAuthorized": True, "context": {"kind": "nobody"}}
    request["headers"] = {"authorization": "Bearer x"}
    assert function(request, None)["context"] == {"kind": "user", "header": "Bearer x"}


@pytest.mark.parametrize("good", [True, False])
def test_a_socket_authorizer_answers_with_a_policy(good: bool) -> None:
    function = authorizer("socket")(lambda ticket: {"user_id": ticket} if good else None)
    request = {"requestContext": {"requestId": "r"}, "queryStringParameters": {"ticket": "t"}, "methodArn": "arn:x"}
    answer = function(request, None)
    statement = answer["policyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Resource"]) == ("Allow" if good else "Deny", "arn:x")
    assert (answer["principalId"], answer["context"]) == (("t", {"user_id": "t"}) if good else ("nobody", {}))


def test_a_socket_without_a_query_is_denied(api: Api) -> None:
    from slipway import discover

    function = next(a for a in discover.authorizers() if a.spec.api == "socket")
    answer = function({"requestContext": {"requestId": "r"}, "methodArn": "arn:x"}, None)
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"


def test_a_function_gets_what_it_declared_and_nothing_else(api: Api) -> None:
    def greedy() -> None:
        capabilities.use(DATABASE)
        capabilities.use(GONE_QUEUE)

    with pytest.raises(UndeclaredUse, match="core_test_trigger used gone_queue without declaring it"):
        schedule("rate(1 day)", uses=(DATABASE,))(greedy)({}, SimpleNamespace(aws_request_id="r"))
    with pytest.raises(UndeclaredUse, match="no function"):
        capabilities.use(DATABASE)
