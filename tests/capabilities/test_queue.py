from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.stub import Stubber
from slipway import aws, settings
from slipway.batches import MAX_BYTES, NotSent, batches
from slipway.capabilities import BROADCAST_QUEUE, RUNS_QUEUE


def test_a_message_arrives_as_it_was_sent(side: Any) -> None:
    body = json.dumps({"text": "tab\tNUL\x00 ünï 😀"}, ensure_ascii=False)
    side.provide(RUNS_QUEUE).send([body])
    assert side.received("runs") == [body]
    assert side.received("broadcast") == []


def test_more_messages_than_a_batch_takes_all_arrive(side: Any) -> None:
    bodies = [f"message {n}" for n in range(25)]
    side.provide(BROADCAST_QUEUE).send(bodies)
    assert sorted(side.received("broadcast")) == sorted(bodies)


def test_messages_that_are_together_larger_than_a_batch_all_arrive(side: Any) -> None:
    bodies = [letter * 500_000 for letter in "abc"]
    side.provide(RUNS_QUEUE).send(bodies)
    assert sorted(side.received("runs")) == bodies


@pytest.mark.parametrize("bad", ["x" * (MAX_BYTES + 1), "ü" * (MAX_BYTES // 2 + 1), "", "\x00", "\ud800", "\uffff"])
def test_what_sqs_would_refuse_is_refused_and_nothing_is_sent(side: Any, bad: str) -> None:
    with pytest.raises(ValueError, match="a queue takes"):
        side.provide(RUNS_QUEUE).send(["good", bad])
    assert side.received("runs") == []


def test_the_largest_message_is_accepted(side: Any) -> None:
    side.provide(RUNS_QUEUE).send(["x" * MAX_BYTES])
    assert [len(body) for body in side.received("runs")] == [MAX_BYTES]


def test_sending_nothing_sends_nothing(side: Any) -> None:
    side.provide(RUNS_QUEUE).send([])
    assert side.received("runs") == []


def test_a_delayed_message_arrives_after_its_delay_and_not_before(side: Any) -> None:
    side.provide(RUNS_QUEUE).send(["later"], delay_seconds=1)
    assert side.received("runs") == []
    time.sleep(1.1)
    assert side.received("runs") == ["later"]


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_that_sqs_does_not_know_is_refused(side: Any, delay: int) -> None:
    with pytest.raises(ValueError, match="0 to 900"):
        side.provide(RUNS_QUEUE).send(["x"], delay_seconds=delay)


def test_batches_keep_order_and_both_limits() -> None:
    assert [len(b) for b in batches(["x"] * 21)] == [10, 10, 1]
    half = "x" * (MAX_BYTES // 2)
    assert [len(b) for b in batches([half, half, "x"])] == [2, 1]


def answer(failed: list[tuple[str, bool]], accepted: list[str]) -> dict[str, Any]:
    return {
        "Successful": [{"Id": i, "MessageId": i, "MD5OfMessageBody": "0" * 32} for i in accepted],
        "Failed": [{"Id": i, "SenderFault": fault, "Code": "Busy", "Message": "try later"} for i, fault in failed],
    }


def entries(*numbered: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"Id": i, "MessageBody": body, "DelaySeconds": 0} for i, body in numbered]


def test_aws_only_what_sqs_did_not_take_is_sent_again(on_aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "BACKOFF_SECONDS", 0.0)
    url = settings.get("SLIPWAY_QUEUE_RUNS")
    client = aws._client("sqs")
    client.meta.events.unregister("after-call.sqs.SendMessageBatch")  # botocore checks MD5s, the stub has none
    with Stubber(client) as stub:
        first = entries(("0", "a"), ("1", "b"))
        stub.add_response("send_message_batch", answer([("1", False)], []), {"QueueUrl": url, "Entries": first})
        again = entries(("1", "b"))
        stub.add_response("send_message_batch", answer([], []), {"QueueUrl": url, "Entries": again})
        on_aws.provide(RUNS_QUEUE).send(["a", "b"])
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("fault", "calls"), [(False, aws.ATTEMPTS), (True, 1)])
def test_aws_a_message_that_stays_refused_raises(
    on_aws: Any, monkeypatch: pytest.MonkeyPatch, fault: bool, calls: int
) -> None:
    monkeypatch.setattr(aws, "BACKOFF_SECONDS", 0.0)
    with Stubber(aws._client("sqs")) as stub:
        for _ in range(calls):
            stub.add_response("send_message_batch", answer([("0", fault)], []))
        with pytest.raises(NotSent, match="refused 1 messages: Busy try later"):
            on_aws.provide(RUNS_QUEUE).send(["a"])
        stub.assert_no_pending_responses()
