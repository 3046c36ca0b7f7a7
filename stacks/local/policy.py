"""What a WebSocket API's authorizer answers: an IAM policy, evaluated for one resource, and the context it carries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from stacks.local.http_response import Malformed

ACTION = "execute-api:Invoke"


def read(answer: Any, resource: str) -> dict[str, Any] | None:
    """The `requestContext.authorizer` of an allowed caller, None for a denied one; raises Malformed.

    Context values must be strings, numbers or booleans: API Gateway refuses anything else.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("principalId"), str) or not answer["principalId"]:
        raise Malformed("the authorizer must answer with a principalId")
    document, context = answer.get("policyDocument"), answer.get("context") or {}
    if not isinstance(document, dict) or not isinstance(context, dict):
        raise Malformed("the authorizer must answer with a policyDocument, and a context that is an object")
    for name, value in context.items():
        if not isinstance(value, (str, int, float)):
            raise Malformed(f"the authorizer's context value {name} must be a string, a number or a boolean")
    if not allows(document, resource):
        return None
    return {**context, "principalId": answer["principalId"]}


def allows(document: dict[str, Any], resource: str) -> bool:
    """Whether the policy allows invoking the resource: a deny wins, and silence denies."""
    allowed = False
    for statement in _list(document.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise Malformed("a policy statement must have the Effect Allow or Deny")
        if _any(statement.get("Action"), ACTION) and _any(statement.get("Resource"), resource):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else () if value is None else (value,)


def _any(patterns: Any, value: str) -> bool:
    return any(isinstance(p, str) and _pattern(p).fullmatch(value) is not None for p in _list(patterns))


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any text, `?` any one character."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
