"""The lean HTTP shell: an API Gateway event becomes the arguments of a route's body, its return value a response.

Imports neither FastAPI nor boto3, because cold start is what a function-per-route platform pays for. `perform` and
`respond` are shared with the FastAPI shell (`slipway.single`), so the two cannot differ in what they allow or answer.
"""

from __future__ import annotations

import base64
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from pydantic import BaseModel, TypeAdapter, ValidationError

from slipway import db, idempotency, log, operators, rate_limits
from slipway.caller import NOBODY, Caller, from_context, from_request
from slipway.capabilities import DATABASE, granting
from slipway.errors import Error, invalid
from slipway.function import Event
from slipway.idempotency import Answer, Sent
from slipway.ids import TypeId
from slipway.permissions import WITHOUT_ROLE, allows
from slipway.rate_limits import Rate
from slipway.reply import Content, Reply
from slipway.route import Route

JSON = "application/json"
PROBLEM = "application/problem+json"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Header:
    """`if_match: Annotated[str | None, Header("If-Match")] = None`"""

    name: str


class Parameter(NamedTuple):
    """One argument of a body: where it comes from and how it is validated."""

    name: str
    source: str  # path, query, header, body (JSON), content (raw bytes), caller, tx
    key: str
    annotation: Any
    validate: Callable[[Any], Any]
    required: bool


class Binding:
    """A route's parameters, worked out once from the body's signature."""

    def __init__(self, route: Route) -> None:
        hints = typing.get_type_hints(route.body, include_extras=True)
        self.returns = hints.pop("return", None)
        signature = inspect.signature(route.body)
        path = {part.strip("{}+"): part for part in route.spec.path.split("/") if part.startswith("{")}
        self.parameters = [_parameter(name, hints[name], signature.parameters[name], path) for name in hints]
        # A public body that takes no transaction opens its own (logging in does): they do not nest.
        takes_tx = any(p.source == "tx" for p in self.parameters)
        self.needs_tx = DATABASE in route.spec.uses and (takes_tx or route.spec.allow != "public")
        # Elsewhere an id in the path does not decide about the role: one's own session, a team that an operator names.
        decides = route.spec.allow == "run:report" or route.spec.allow not in WITHOUT_ROLE
        ids = [(p.name, type_id.prefixes[0]) for p in self.parameters if decides and (type_id := _type_id(p))]
        self.scope_name, self.scope_kind = ids[0] if ids else ("", "")

    def read(self, event: Event) -> dict[str, Any]:
        """The arguments that the request gives; raises Error with one entry for each that is not valid."""
        arguments: dict[str, Any] = {}
        errors: list[Any] = []
        for parameter in self.parameters:
            if parameter.source in ("caller", "tx"):
                continue
            where = (parameter.source,) if parameter.source == "body" else (parameter.source, parameter.key)
            raw = _raw(parameter, event)
            if raw is None:
                if parameter.required:
                    errors.append({"type": "missing", "loc": where, "msg": "Field required"})
                continue
            try:
                arguments[parameter.name] = parameter.validate(raw)
            except ValidationError as error:
                errors += [
                    {**e, "loc": (*where, *e["loc"])} for e in error.errors(include_url=False, include_input=False)
                ]
        if errors:
            raise refusal(errors)
        return arguments

    def scope(self, path: Mapping[str, Any]) -> UUID | None:
        """The resource that decides about team and role: the first id of the path."""
        if not self.scope_name:
            return None
        parameter = next(p for p in self.parameters if p.name == self.scope_name)
        try:
            return typing.cast(UUID, parameter.validate(path.get(parameter.key)))
        except ValidationError:
            raise Error("not_found") from None


def _parameter(name: str, annotation: Any, parameter: inspect.Parameter, path: dict[str, str]) -> Parameter:
    source, key = "query", name
    header = next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Header)), None)
    if annotation is Caller:
        source = "caller"
    elif annotation is db.Transaction:
        source = "tx"
    elif name in path:
        source = "path"
    elif header:
        source, key = "header", header.name.lower()
    elif annotation is bytes:
        source = "content"
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        source = "body"
    required = parameter.default is inspect.Parameter.empty
    if source in ("caller", "tx", "content"):
        return Parameter(name, source, key, annotation, lambda raw: raw, required)
    adapter = TypeAdapter(annotation)
    validate = adapter.validate_json if source == "body" else adapter.validate_python
    return Parameter(name, source, key, annotation, validate, required)


def _type_id(parameter: Parameter) -> TypeId | None:
    if parameter.source != "path":
        return None
    return next((m for m in getattr(parameter.annotation, "__metadata__", ()) if isinstance(m, TypeId)), None)


def _raw(parameter: Parameter, event: Event) -> Any:
    match parameter.source:
        case "path":
            return event.get("pathParameters", {}).get(parameter.key)
        case "query":
            return event.get("queryStringParameters", {}).get(parameter.key)
        case "header":
            return event["headers"].get(parameter.key)
        case "content":
            return content(event)
        case _:
            body = content(event)
            require_json(body, event["headers"].get("content-type"))
            return body or None


def require_json(body: bytes, content_type: str | None) -> None:
    """Refuse a body that says to be anything but JSON; one that says nothing is taken for JSON."""
    media_type = JSON if content_type is None else content_type.split(";")[0].strip().lower()
    if body and media_type != JSON:
        raise Error("unsupported_media_type", f"Send {JSON}, not {media_type}.")


def content(event: Event) -> bytes:
    """The decoded body: API Gateway may deliver base64, whatever was sent."""
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def refusal(errors: list[Any]) -> Error:
    """The problem for pydantic's errors; `loc` begins with the part of the request: path, query, header, body."""
    if any(e["loc"][0] == "path" for e in errors):
        return Error("not_found")
    if any(e["type"] == "json_invalid" for e in errors):
        return Error("invalid_json", "The body is not valid JSON.")
    return invalid(errors)


def perform(route: Route, caller: Caller, scope: UUID | None, arguments: dict[str, Any] | Error, sent: Sent) -> Answer:
    """Authorize, then validate, then call the body; one transaction, committed when the body returns.

    A stranger learns nothing about what a valid body would be: `arguments` may be the refusal, raised only after
    the caller was found to be allowed here.
    """
    binding, allow, rate = route.binding, route.spec.allow, route.spec.rate
    if allow != "public" and caller.kind != ("run" if allow == "run:report" else "user"):
        raise Error("unauthenticated", caller.reason, headers={"www-authenticate": "Bearer"})
    if not binding.needs_tx:
        rates = db.admit(caller.origin.address, rate) if rate else []
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
        if allow == "operator" and not operators.is_operator(tx):
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
