"""Who is calling, as the authorizer said, and what the transaction's first statement added: the team and the role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from slipway.errors import Error

Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """`team_id` and `role` are those of the resource that the request names; unset when it names none.

    `kind` "run" is a worker that reports about one attempt of one run; `token_hash` is its token's sha-256.
    """

    kind: Literal["nobody", "user", "run"]
    _user_id: UUID | None = None
    _session_id: UUID | None = None
    _team_id: UUID | None = None
    role: str = ""
    attempt: int = 0
    token_hash: bytes = b""
    reason: str = ""  # why a sent credential was not accepted

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


def from_context(context: Context | None) -> Caller:
    """The caller that an authorizer put into the event; values are strings, as API Gateway keeps them."""
    if not context:
        return NOBODY
    match context.get("kind"):
        case "user":
            return Caller("user", _user_id=UUID(context["user_id"]), _session_id=UUID(context["session_id"]))
        case "run":
            return Caller("run", token_hash=bytes.fromhex(context["token_hash"]))
        case _:
            return Caller("nobody", reason=context.get("reason", ""))
