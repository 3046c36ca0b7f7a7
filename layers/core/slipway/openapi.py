"""What OpenAPI says about a route: the words and answers that FastAPI cannot read from a signature."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict

from slipway.http import PROBLEM
from slipway.reply import Content, Reply
from slipway.route import Route

Responses = dict[int | str, dict[str, Any]]
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A new random value for each request; the same one when you send it again, within 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class FieldProblem(BaseModel):
    """One value that is not valid; `pointer` begins with the part of the request: path, query, header or body."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """An RFC 9457 problem. `code` is stable, `request_id` finds the request in the log; limits add their figures."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldProblem] = []


def described(route: Route) -> dict[str, Any]:
    """What OpenAPI says about a route."""
    spec, binding = route.spec, route.binding
    file = (inspect.getdoc(inspect.getmodule(route.body)) or "").partition("\n")[2]
    problem = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    refused: Responses = {"4XX": {"description": "Refused", **problem}, "5XX": {"description": "Failed", **problem}}
    extra: dict[str, Any] = {} if spec.allow == "public" else {"security": [{"bearer": []}]}
    if spec.idempotency != "none":
        extra["parameters"] = [{**IDEMPOTENCY_KEY, "required": spec.idempotency == "required"}]
    if any(p.source == "content" for p in binding.parameters):
        extra["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    return {
        "methods": [spec.method],
        "operation_id": spec.name,
        "tags": [spec.domain],
        "summary": spec.summary,
        "description": "\n\n".join(text for text in (file.strip(), inspect.getdoc(route.body)) if text),
        "openapi_extra": extra,
        **_answers(route, refused),
    }


def _answers(route: Route, refused: Responses) -> dict[str, Any]:
    """The answers that a route can give, from what its body returns."""
    status, returns = route.spec.status, route.binding.returns
    if any(p.key == "if-none-match" for p in route.binding.parameters):
        refused = {304: {"description": "Unchanged: the client has this version"}, **refused}
    if returns is type(None):
        return {"status_code": 204 if status == 200 else status, "response_model": None, "responses": refused}
    if returns is Content:
        raw = {
            status: {"description": "The bytes as they are", "content": {"application/octet-stream": {"schema": {}}}}
        }
        return {"status_code": status, "responses": {**raw, **refused}}
    if get_origin(returns) is Reply:
        (returns,) = get_args(returns)
        if route.spec.method == "PUT":
            refused = {201: {"description": "Created", "model": returns}, **refused}
    return {"status_code": status, "response_model": returns, "responses": refused}
