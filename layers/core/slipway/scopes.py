"""What an API key may be given, and how a request may say it in short.

A scope is a permission (`file:write`). `run:*` stands for what one may do with runs, `*:read` for reading everything: the
shorthand is worked out when the key is made, for the role that its maker has then, and the permissions are stored. A
permission that the platform gets later is thus in no older key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from slipway.caller import Caller
from slipway.errors import Error
from slipway.permissions import ROLES, SCOPES


def meant(scope: str) -> frozenset[str]:
    """The permissions that a scope stands for; empty for one that does not exist."""
    noun, _, verb = scope.partition(":")
    if verb == "*":
        return frozenset(p for p in SCOPES if p.startswith(f"{noun}:"))
    if scope == "*:read":
        return frozenset(p for p in SCOPES if p.endswith(":read"))
    return SCOPES & {scope}


def _known(scope: str) -> str:
    if not meant(scope):
        raise PydanticCustomError("scope", "is not a scope: docs/api-keys.md has the list")
    return scope


Scope = Annotated[
    str,
    Field(pattern=r"^([a-z]+:(\*|[a-z]+)|\*:read)$", max_length=50, examples=["file:read"]),
    AfterValidator(_known),
]


def require_role(caller: Caller, role: str) -> None:
    """Raise insufficient_scope where a key would give somebody a role that may more than the key: the role outlives it."""
    missing = sorted(ROLES[role] & SCOPES - (SCOPES if caller.scopes is None else caller.scopes))
    if missing:
        raise Error("insufficient_scope", f"To give the role {role}, the API key needs its scopes.", missing=missing)


def granted(asked: Iterable[str], role: str) -> list[str]:
    """The permissions that a key gets; raises forbidden for what the role does not have itself.

    A shorthand means those of its permissions that the role has, and there must be one.
    """
    own = ROLES[role]
    missing = sorted(s for s in asked if not meant(s) & own)
    if missing:
        detail = f"Your role here is {role}: a key of yours cannot have {', '.join(missing)}."
        raise Error("forbidden", detail, missing=missing)
    return sorted({permission for scope in asked for permission in meant(scope) & own})
