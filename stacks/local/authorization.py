"""The HTTP API's Lambda authorizer: identity source `$request.header.Authorization`, simple responses, cached.

- No header, or an empty one: 401 `{"message":"Unauthorized"}` without a call. The product's errors are problem
  documents, but an HTTP API offers no way to change this body, nor that of 403: clients must read both forms.
- `{"isAuthorized": false}`: 403 `{"message":"Forbidden"}`. An error, a timeout or a malformed answer: 500.
- A verdict, either way, is kept `cache_seconds` by the identity source alone: it holds for every route.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any

from slipway.authorizer import Authorizer

from stacks.local import http_event
from stacks.local.http_event import Request
from stacks.local.http_response import Malformed
from stacks.local.invocation import Invoker

MOST_SECONDS = 10.0  # API Gateway's limit for a Lambda authorizer of an HTTP API
_MOST_CACHED = 10_000

Verdict = tuple[bool, dict[str, Any] | None]


class HttpAuthorizer:
    """Asks an authorizer function, or remembers what it said."""

    def __init__(self, function: Authorizer, invoker: Invoker) -> None:
        self._function = function
        self._invoker = invoker
        self._seconds = min(function.spec.timeout, MOST_SECONDS)
        self._cache: dict[str, tuple[float, Verdict]] = {}

    def remembered(self, identity: str) -> Verdict | None:
        kept = self._cache.get(identity)
        return kept[1] if kept is not None and kept[0] > monotonic() else None

    async def ask(self, request: Request, route_key: str, params: Mapping[str, str], identity: str) -> Verdict:
        """The function's verdict; raises Malformed, FunctionTimeout, or what the function raised."""
        event = http_event.authorizer_event(request, route_key, dict(params), identity)
        verdict = read_verdict(await self._invoker.call(self._function, event, request.id, self._seconds))
        if self._function.spec.cache_seconds:
            self._keep(identity, verdict)
        return verdict

    def _keep(self, identity: str, verdict: Verdict) -> None:
        if len(self._cache) >= _MOST_CACHED:
            now = monotonic()
            live = [(key, kept) for key, kept in self._cache.items() if kept[0] > now]
            self._cache = dict(live[-_MOST_CACHED // 2 :])
        self._cache[identity] = monotonic() + self._function.spec.cache_seconds, verdict


def read_verdict(answer: Any) -> Verdict:
    """A simple response; raises Malformed for anything else."""
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
        raise Malformed("the authorizer must answer {'isAuthorized': true or false}")
    context = answer.get("context")
    if context is not None and not isinstance(context, dict):
        raise Malformed("the authorizer's context must be an object")
    try:
        json.dumps(context)
    except (TypeError, ValueError) as e:
        raise Malformed(f"the authorizer's context is not JSON: {e}") from e
    return answer["isAuthorized"], context
