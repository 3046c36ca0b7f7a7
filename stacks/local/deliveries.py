"""What a declared function is called with by its trigger on AWS, event and context, and how its answer is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from slipway.function import Function

from stacks.local.invocation import Context
from stacks.local.queues import Message

ACCOUNT = "000000000000"
REGION = "local"


def context(function: Function) -> Context:
    return Context(function, str(uuid4()), function.spec.timeout)


def sqs_event(queue: str, messages: Sequence[Message]) -> dict[str, Any]:
    """The event of Lambda's SQS event source mapping."""
    return {
        "Records": [
            {
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(message.receives),
                    "SentTimestamp": str(message.sent_ms),
                    "SenderId": ACCOUNT,
                    "ApproximateFirstReceiveTimestamp": str(message.first_received_ms),
                },
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def scheduled_event(name: str, time: str) -> dict[str, Any]:
    """What EventBridge sends by the clock; `time` is RFC 3339."""
    return eventbridge_event("aws.events", "Scheduled Event", {}, time) | {
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"]
    }


def eventbridge_event(source: str, detail_type: str, detail: dict[str, Any], time: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid4()),
        "source": source,
        "detail-type": detail_type,
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def succeeded(messages: Sequence[Message], answer: Any) -> list[Message]:
    """The messages to delete, by the rules of ReportBatchItemFailures.

    An absent or empty list means that all succeeded; an identifier that is missing, or is none of this batch's, means
    that none did.
    """
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {failure.get("itemIdentifier") for failure in failures}
    if not failed <= {message.id for message in messages}:
        return []
    return [message for message in messages if message.id not in failed]
