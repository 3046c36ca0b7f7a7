"""The lean HTTP shell: an API Gateway event is performed as a call of a route's body, its return value becomes a response.

Imports neither FastAPI nor boto3, because cold start is what a function-per-route platform pays for. `perform` and
`respond` are shared with the FastAPI shell (`slipway.single`), so the two cannot differ in what they allow or answer.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from slipway import db, idempotency, log, networks, rate_limits
from slipway.binding import JSON, Binding, content
from slipway.caller import NOBODY, Caller, from_context, from_request
from slipway.capabilities import granting
from slipway.errors import Error
from slipway.function import Event
from slipway.idempotency import Answer, Sent
from slipway.permissions import allows
from slipway.rate_limits import Rate
from slipway.reply import Content, Reply
from slipway.route import Route

PROBLEM = "application/problem+json"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def perform(route: Route, caller: Caller, scope: UUID | None, arguments: dict[str, Any] | Error, sent: Sent) -> Answer:
    """Authorize, then validate, then call the body; one transaction, committed when the body returns.

    A stranger learns nothing about what a valid body would be: `arguments` may be the refusal, raised only after
    the caller was found to be allowed here.
    """
    binding, allow, rate = route.binding, route.spec.allow, route.spec.rate
    if allow != "public" and caller.kind != ("run" if allow == "run:report" else "user"):
        raise Error("unauthenticated", caller.reason, headers={"www-authenticate": "Bearer"})
    if not binding.needs_tx:
        rates = db.admit(networks.host(caller.origin.address), rate) if rate else []
        return respond(route, _call(route, binding, {"caller": caller}, arguments), rates)
    if caller.kind == "run" and allow != "run:report":
        caller = replace(NOBODY, origin=caller.origin)
    with db.transaction(caller, binding.scope_kind, scope, rate) as (tx, known):
        permit(tx, known, allow)
        if isinstance(arguments, Error):
            raise arguments

        def act() -> Answer:
            return respond(route, _call(route, binding, {"caller": known, "tx": tx}, arguments), tx.rates)

        if sent.key and route.spec.idempotency != "none":
            return idempotency.once(
                tx, known, route.spec.name, sent, act, lambda e: explain(e, sent.path, caller.origin.request_id)
            )
        if route.spec.idempotency == "required":
            raise Error("idempotency_key_required", "Send a new random value, and the same one when you try again.")
        return act()


def permit(tx: db.Transaction, caller: Caller, allow: str) -> None:
    """Raise unless the caller may do what needs `allow`: the one check of HTTP and WebSocket."""
    if allow in ("public", "account", "run:report"):
        return
    if allow in ("self", "operator"):
        if caller.key_id is not None:
            raise Error("login_required")
        if allow == "operator":
            from slipway import operators  # models that no other route needs

            if not operators.is_operator(tx):
                raise Error("not_found")
        return
    if not allows(caller.role, allow):
        raise Error("forbidden", f"This needs the permission {allow}; your role here is {caller.role}.", required=allow)
    if not allows(caller.role, allow, caller.scopes):
        raise Error("insufficient_scope", f"The API key needs the scope {allow}.", required=allow)


def _call(route: Route, binding: Binding, own: dict[str, Any], arguments: dict[str, Any] | Error) -> Any:
    if isinstance(arguments, Error):
        raise arguments
    given = {p.name: own[p.source] for p in binding.parameters if p.source in own}
    return route.body(**arguments, **given)


def respond(route: Route, result: Any, rates: Sequence[Rate] = ()) -> Answer:
    """The response for what a body returned."""
    headers = {**SECURITY_HEADERS, **rate_limits.headers(rates)} if rates else dict(SECURITY_HEADERS)
    status = route.spec.status
    if isinstance(result, Reply | Content):
        headers |= result.headers
        status = result.status or status
        if isinstance(result, Content):
            return Answer(status, {"content-type": result.media_type, **headers}, result.body)
        result = result.body
    if result is None:
        return Answer(204 if status == 200 else status, headers, "")
    return Answer(status, {"content-type": JSON, **headers}, result.model_dump_json())


def explain(error: BaseException, instance: str, request_id: str) -> Answer:
    """The problem document for anything that was raised; what the client may not see goes to the log."""
    if isinstance(error, psycopg.DataError):
        error = Error("invalid", "A value cannot be stored: it is too large or has a NUL character.", cause=str(error))
    elif isinstance(error, psycopg.errors.ForeignKeyViolation):  # the other half of a race with a delete
        error = Error("not_found", "What this belongs to has just been deleted.", cause=str(error))
    elif isinstance(error, psycopg.OperationalError):  # the connection was lost, a deadlock, a timeout
        error = Error("unavailable", cause=str(error), headers={"retry-after": "1"})
    if not isinstance(error, Error):
        log.exception("unhandled")
        error = Error("internal")
    elif error.cause:
        log.warning("refused", code=error.code, cause=error.cause)
    import json

    document = json.dumps(error.problem(instance, request_id), default=str)
    return Answer(error.status, {"content-type": PROBLEM, **SECURITY_HEADERS, **error.headers}, document)


def handle(route: Route, event: Event, context: Any) -> dict[str, Any]:
    """A Lambda invocation by an HTTP API (payload 2.0)."""
    request = event["requestContext"]
    request_id = request["requestId"]
    with log.request(route.spec.name, request_id), granting(route.spec.name, route.spec.uses):
        try:
            origin = from_request(request, event["headers"])
            caller = from_context(request.get("authorizer", {}).get("lambda"), origin)
            scope = route.binding.scope(event.get("pathParameters", {}))
            answer = perform(route, caller, scope, _arguments(route, event), sent(route, event))
        except Exception as error:
            answer = explain(error, event["rawPath"], request_id)
    return _shape(answer, request_id)


def sent(route: Route, event: Event) -> Sent:
    """The request's idempotency key, and what makes it this request."""
    key = event["headers"].get("idempotency-key")
    if key is None or route.spec.idempotency == "none":
        return Sent(event["rawPath"])
    return idempotency.sent(event["rawPath"], key, event.get("rawQueryString", ""), content(event))


def _arguments(route: Route, event: Event) -> dict[str, Any] | Error:
    try:
        return route.binding.read(event)
    except Error as error:
        return error


def _shape(answer: Answer, request_id: str) -> dict[str, Any]:
    headers = {**answer.headers, "x-request-id": request_id}
    if isinstance(answer.body, str):
        return {"statusCode": answer.status, "headers": headers, "body": answer.body, "isBase64Encoded": False}
    body = base64.b64encode(answer.body).decode()
    return {"statusCode": answer.status, "headers": headers, "body": body, "isBase64Encoded": True}
