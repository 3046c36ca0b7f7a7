"""Calls WebSocket actions as the gateway does, with the events of a WebSocket API."""

from __future__ import annotations

import json
import uuid
from typing import Any

from slipway import discover

ACTIONS = {f.spec.action: f for f in discover.sockets()}
KINDS = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}


def user(person: Any) -> dict[str, str]:
    """The context that the ticket's authorizer makes for somebody."""
    context: dict[str, str] = person.context
    return context


def event(action: str, message: Any, context: dict[str, str] | None, connection: str) -> dict[str, Any]:
    request: dict[str, Any] = {
        "routeKey": action,
        "eventType": KINDS.get(action, "MESSAGE"),
        "requestId": uuid.uuid4().hex,
        "connectionId": connection,
    }
    if context is not None:
        request["authorizer"] = context
    made = {"requestContext": request, "isBase64Encoded": False}
    return made if action in KINDS else made | {"body": message if isinstance(message, str) else json.dumps(message)}


def status(action: str, message: Any, context: dict[str, str] | None, connection: str) -> int:
    """What the client is told: 200, or the status of the problem."""
    answer = ACTIONS[action](event(action, message, context, connection), None)
    if action in KINDS:
        return int(answer["statusCode"])
    assert answer["statusCode"] == 200, "the gateway would answer an error frame of its own"
    said = json.loads(answer["body"])
    return 200 if said["ok"] else int(said["error"]["status"])
