"""The WebSocket shell: a message becomes the arguments of an action's body, its return value the answer.

A message is `{"action": "room.subscribe", "id": "client-chosen", …}`. The answer is `{"id", "action", "ok": true,
"data": …}`, an error `{"id", "action", "ok": false, "error": <problem document>}`.
"""

from __future__ import annotations

import json
import typing
from functools import cache
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from slipway import db, log
from slipway.binding import refusal
from slipway.caller import Caller, from_context, from_request
from slipway.capabilities import DATABASE, granting
from slipway.errors import Error
from slipway.function import Event
from slipway.http import explain, permit
from slipway.socket import Socket

RATE = "message"  # the class of rate limits that every message counts in


class Message(BaseModel):
    """What every message may carry; an action's model inherits it and adds its own fields."""

    model_config = ConfigDict(extra="forbid")
    action: str = ""
    id: str | int | None = None


@runtime_checkable
class AboutRoom(Protocol):
    """A message about one room: the caller needs the action's permission on it."""

    def scope(self) -> tuple[str, UUID]:
        """The room's resource: kind prefix and id."""


class Connection(str):
    """A connection's id, as an argument of a body."""


def handle(socket: Socket, event: Event, context: Any) -> dict[str, Any]:
    """A Lambda invocation by a WebSocket API; the returned body is posted back to the same connection."""
    request = event["requestContext"]
    given: Any = {}
    with log.request(socket.spec.name, request["requestId"]), granting(socket.spec.name, socket.spec.uses):
        try:
            caller = from_context(request.get("authorizer"), from_request(request, {}))
            given = _parse(event)
            answer = {"ok": True, "data": _perform(socket, caller, Connection(request["connectionId"]), given)}
        except Exception as error:
            problem = explain(error, socket.spec.action, request["requestId"])
            if request["eventType"] != "MESSAGE":
                return {"statusCode": problem.status}
            answer = {"ok": False, "error": json.loads(problem.body)}
    if request["eventType"] != "MESSAGE":
        return {"statusCode": 200}
    own = {"action": given.get("action"), "id": given.get("id")} if isinstance(given, dict) else {}
    return {"statusCode": 200, "body": json.dumps({**own, **answer}, default=str)}


def _parse(event: Event) -> Any:
    if event["requestContext"]["eventType"] != "MESSAGE":
        return {}
    try:
        given = json.loads(event.get("body") or "")
    except (ValueError, RecursionError):
        raise Error("invalid_json", "The message is not valid JSON.") from None
    if not isinstance(given, dict):
        raise Error("invalid", "A message is a JSON object with an action.")
    return given


def _perform(socket: Socket, caller: Caller, connection: Connection, given: dict[str, Any]) -> Any:
    if caller.kind != "user":
        raise Error("unauthenticated")
    arguments: dict[str, Any] = {}
    kind, scope = "", None
    hints = _hints(socket)
    for name, annotation in hints.items():
        if annotation is Connection:
            arguments[name] = connection
        elif annotation not in (Caller, db.Transaction):
            message = _message(annotation, given)
            arguments[name] = message
            if isinstance(message, AboutRoom):
                kind, scope = message.scope()
    if DATABASE not in socket.spec.uses:
        return _data(socket.body(**arguments, **{n: caller for n, a in hints.items() if a is Caller}))
    with db.transaction(caller, kind, scope, RATE) as (tx, known):
        permit(tx, known, socket.spec.allow)
        own = {n: known if a is Caller else tx for n, a in hints.items() if a in (Caller, db.Transaction)}
        return _data(socket.body(**arguments, **own))


@cache
def _hints(socket: Socket) -> dict[str, Any]:
    """What the body takes, by name; worked out at its first message."""
    hints = typing.get_type_hints(socket.body)
    hints.pop("return", None)
    return hints


def _message(model: type[Message], given: dict[str, Any]) -> Message:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise refusal([{**e, "loc": ("message", *e["loc"])} for e in errors]) from None


def _data(result: Any) -> Any:
    return result.model_dump(mode="json") if isinstance(result, BaseModel) else result
