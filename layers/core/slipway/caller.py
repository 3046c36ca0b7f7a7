"""Who is calling, as the authorizer said, and what the transaction's first statement added: the team and the role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

from slipway.errors import Error

Context = dict[str, Any]
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")


class Origin(NamedTuple):
    """Where a request comes from, for the audit log and the rate limits: IP address (or ""), browser, request id."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Caller:
    """`team_id` and `role` are those of the resource that the request names; unset when it names none.

    `kind` "user" has a session or an API key, whose `scopes` narrow the role (None: no key, all of it). `kind` "run" is
    a worker that reports about one attempt of one run; `token_hash` is its token's sha-256.
    """

    kind: Literal["nobody", "user", "run"]
    _user_id: UUID | None = None
    _session_id: UUID | None = None
    key_id: UUID | None = None
    _team_id: UUID | None = None
    role: str = ""
    scopes: frozenset[str] | None = None
    attempt: int = 0
    token_hash: bytes = b""
    reason: str = ""  # why a sent credential was not accepted
    origin: Origin = NOWHERE

    @property
    def user_id(self) -> UUID:
        return self._known(self._user_id)

    @property
    def session_id(self) -> UUID:
        return self._known(self._session_id)

    @property
    def team_id(self) -> UUID:
        return self._known(self._team_id)

    @staticmethod
    def _known(value: UUID | None) -> UUID:
        if value is None:
            raise Error("unauthenticated", cause="the declaration's allow= does not provide what the body asked for")
        return value


NOBODY = Caller("nobody")


def from_context(context: Context | None, origin: Origin = NOWHERE) -> Caller:
    """The caller that an authorizer put into the event; values are strings, as API Gateway keeps them."""
    context = context or {}
    match context.get("kind"):
        case "user" if "key_id" in context:
            return Caller("user", _user_id=UUID(context["user_id"]), key_id=UUID(context["key_id"]), origin=origin)
        case "user":
            user_id, session_id = UUID(context["user_id"]), UUID(context["session_id"])
            return Caller("user", _user_id=user_id, _session_id=session_id, origin=origin)
        case "run":
            return Caller("run", token_hash=bytes.fromhex(context["token_hash"]), origin=origin)
        case _:
            return Caller("nobody", reason=context.get("reason", ""), origin=origin)


def from_request(request: dict[str, Any], headers: dict[str, str]) -> Origin:
    """The origin in an event's requestContext: of an HTTP API under `http`, of a WebSocket API under `identity`."""
    told = request.get("http") or request.get("identity") or {}
    address = str(told.get("sourceIp") or "")
    return Origin(
        address=address if _ADDRESS.fullmatch(address) else "",
        user_agent=(told.get("userAgent") or headers.get("user-agent") or "")[:300],
        request_id=str(request.get("requestId") or ""),
    )
