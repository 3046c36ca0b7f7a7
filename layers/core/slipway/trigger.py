"""How queue, schedule, event and authorizer functions are invoked: the AWS event in, what AWS expects out."""

from __future__ import annotations

import typing
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from slipway import log
from slipway.capabilities import granting

if TYPE_CHECKING:
    from slipway.authorizer import Authorizer
    from slipway.event import Event
    from slipway.function import Function
    from slipway.queue import Queue
    from slipway.schedule import Schedule


@cache
def _message(function: Function) -> TypeAdapter[Any]:
    """The model that a body takes: its only parameter."""
    hints = typing.get_type_hints(function.body)
    hints.pop("return", None)
    (model,) = hints.values()
    return TypeAdapter(model)


def records(function: Queue, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Each record by itself, so that a bad one goes back to the queue alone and to the dead letters in the end."""
    failures = []
    with granting(function.spec.name, function.spec.uses):
        for record in event["Records"]:
            with log.request(function.spec.name, record["messageId"]):
                try:
                    function.body(_message(function).validate_json(record["body"]))
                except Exception:
                    log.exception("message_failed", receives=record["attributes"]["ApproximateReceiveCount"])
                    failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def once(function: Schedule, context: Any) -> None:
    with log.request(function.spec.name, context.aws_request_id), granting(function.spec.name, function.spec.uses):
        function.body()


def detail(function: Event, event: dict[str, Any], context: Any) -> None:
    with log.request(function.spec.name, event["id"]), granting(function.spec.name, function.spec.uses):
        function.body(_message(function).validate_python(event["detail"]))


def authorize(function: Authorizer, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """HTTP: always authorized, and the context says who (or why nobody): an HTTP API cannot word its own 401, so the
    route answers it as a problem document. WebSocket: a policy, and Deny where the ticket is not good."""
    with (
        log.request(function.spec.name, event["requestContext"]["requestId"]),
        granting(function.spec.name, function.spec.uses),
    ):
        if function.spec.api == "http":
            context_found = function.body(event["headers"].get("authorization", ""))
            return {"isAuthorized": True, "context": context_found or {"kind": "nobody"}}
        found = function.body((event.get("queryStringParameters") or {}).get("ticket", ""))
        statement = {
            "Action": "execute-api:Invoke",
            "Effect": "Allow" if found else "Deny",
            "Resource": event["methodArn"],
        }
        return {
            "principalId": (found or {}).get("user_id", "nobody"),
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": found or {},
        }
