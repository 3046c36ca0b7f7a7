"""How an event becomes the arguments of a route's body: worked out once from the body's signature, validated with pydantic."""

from __future__ import annotations

import base64
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from slipway import db
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.errors import Error, invalid
from slipway.function import Event
from slipway.ids import TypeId
from slipway.permissions import WITHOUT_ROLE
from slipway.route import Route

JSON = "application/json"


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
