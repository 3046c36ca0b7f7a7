"""API keys: a program acts as the person who made its key, in one team or one workspace, with no more than its scopes.

A key's rights are its scopes and what its maker's role allows at that moment: a demotion or removal narrows or ends it
with the next request. Revoking and expiring end it likewise: every transaction looks (app.begin_request), and what the
authorizer remembers for a minute is only whose key it is. Keys make no keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from slipway import account_events, audit, ids, key_tokens, quotas, scopes, tokens
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import KeyId, TeamId, UserId, WorkspaceId
from slipway.pages import before, page
from slipway.permissions import allows
from slipway.reply import Page
from slipway.scopes import Scope
from slipway.texts import Input, Name

DEFAULT_DAYS = 90
Days = Annotated[int, Field(ge=1, le=366)] | None


class ApiKey(BaseModel):
    """`workspace_id`: the only workspace where it works, or null for the whole team. `user_id` is who it acts as.

    `last_used_at` is to the minute.
    """

    id: KeyId
    team_id: TeamId
    workspace_id: WorkspaceId | None
    user_id: UserId
    name: str
    scopes: tuple[str, ...]
    prefix: str = key_tokens.PREFIX
    last_four: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class IssuedKey(ApiKey):
    """`secret` goes into `Authorization: Bearer`. It is shown this once and kept as a hash."""

    secret: str


class NewApiKey(Input):
    """`scopes`: permissions, `noun:*` or `*:read`, of those that you have yourself. `expires_in_days` null: never."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=100)]
    workspace_id: WorkspaceId | None = None
    expires_in_days: Days = DEFAULT_DAYS


class Rotation(Input):
    """`grace_minutes`: how long the old key works beside the new one; 0 when its secret has leaked."""

    grace_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    expires_in_days: Days = DEFAULT_DAYS


INSERT = sql(
    """insert into api_keys (team_id, id, workspace_id, user_id, name, token_hash, last_four, scopes, expires_at)
       select %(team_id)s, %(id)s, %(workspace_id)s::uuid, %(user_id)s, %(name)s, %(token_hash)s, %(last_four)s,
              %(scopes)s::text[], now() + make_interval(days => %(days)s::int)
        where %(workspace_id)s::uuid is null
           or exists (select from workspaces w where w.team_id = %(team_id)s and w.id = %(workspace_id)s::uuid)
       returning team_id, id, workspace_id, user_id, name, scopes, last_four, created_at, expires_at, revoked_at,
                 last_used_at"""
)
GET = sql(
    """select team_id, id, workspace_id, user_id, name, scopes, last_four, created_at, expires_at, revoked_at, last_used_at
         from api_keys where team_id = %(team_id)s and id = %(id)s"""
)
LIST = sql(
    """select team_id, id, workspace_id, user_id, name, scopes, last_four, created_at, expires_at, revoked_at, last_used_at
         from api_keys where team_id = %(team_id)s and id < %(before)s
        order by id desc limit %(limit)s"""
)
CURRENT = sql(
    """select team_id, id, workspace_id, user_id, name, scopes, last_four, created_at, expires_at, revoked_at, last_used_at
         from api_keys where user_id = %(user_id)s and id = %(id)s"""
)
MINE = sql(
    """select team_id, id, workspace_id, user_id, name, scopes, last_four, created_at, expires_at, revoked_at, last_used_at
         from api_keys where user_id = %(user_id)s and id < %(before)s
          and (%(team_id)s::uuid is null or team_id = %(team_id)s) order by id desc limit %(limit)s"""
)
LOCK = sql(
    """select workspace_id, name, scopes, revoked_at is not null or coalesce(expires_at <= now(), false) as ended
         from api_keys where team_id = %(team_id)s and id = %(id)s and user_id = %(user_id)s for update"""
)
REVOKE = sql(
    """update api_keys set revoked_at = now()
        where team_id = %(team_id)s and id = %(id)s and revoked_at is null returning name"""
)
REVOKE_MINE = sql(
    """update api_keys set revoked_at = now()
        where user_id = %(user_id)s and id = %(id)s and revoked_at is null
       returning team_id, name,
                 exists (select from team_members m where m.team_id = api_keys.team_id and m.user_id = %(user_id)s) as member"""
)
REVOKE_ALL = sql("update api_keys set revoked_at = now() where user_id = %(user_id)s and revoked_at is null")
RETIRE = sql(
    """update api_keys set expires_at = least(expires_at, now() + make_interval(mins => %(minutes)s::int))
        where team_id = %(team_id)s and id = %(id)s"""
)


def create(tx: Transaction, caller: Caller, new: NewApiKey) -> IssuedKey:
    """Raises forbidden for a scope that the caller's own role does not have."""
    granted = scopes.granted(new.scopes, caller.role)
    key = _issue(tx, caller, new.name, granted, new.workspace_id, new.expires_in_days)
    _record(tx, caller, "key.created", key.id, None, _rights(key), key.team_id)
    return key


def rotate(tx: Transaction, caller: Caller, key_id: UUID, rotation: Rotation) -> IssuedKey:
    """A new key like one of the caller's own, which ends after the grace: its `last_used_at` says whether it is missed.

    The new one has those of its scopes that the caller's role still has. Raises key_ended for a key that is over.
    """
    old = tx.one(LOCK, team_id=caller.team_id, id=key_id, user_id=caller.user_id)
    if old is None:
        raise Error("not_found")
    if old["ended"]:
        raise Error("key_ended", "Make a new one instead.")
    kept = [scope for scope in old["scopes"] if allows(caller.role, scope)]
    granted = scopes.granted(kept or old["scopes"], caller.role)
    tx.run(RETIRE, team_id=caller.team_id, id=key_id, minutes=rotation.grace_minutes)
    key = _issue(tx, caller, old["name"], granted, old["workspace_id"], rotation.expires_in_days)
    _record(tx, caller, "key.rotated", key_id, None, {"id": ids.encode("key", key.id), **_rights(key)}, key.team_id)
    return key


def _issue(
    tx: Transaction, caller: Caller, name: str, granted: Sequence[str], workspace_id: UUID | None, days: int | None
) -> IssuedKey:
    secret = key_tokens.make()
    row = tx.one(
        INSERT,
        team_id=caller.team_id,
        id=ids.new(),
        workspace_id=workspace_id,
        user_id=caller.user_id,
        name=name,
        token_hash=tokens.hashed(secret),
        last_four=secret[-4:],
        scopes=granted,
        days=days,
    )
    if row is None:
        detail = "is no workspace of this team"
        errors = [{"pointer": "/body/workspace_id", "code": "unknown", "detail": detail}]
        raise Error("invalid", f"/body/workspace_id: {detail}", errors=errors)
    quotas.check_standing(tx, caller.team_id, "api_keys")
    return IssuedKey.model_validate({**row, "secret": secret})


def get(tx: Transaction, caller: Caller, key_id: UUID) -> ApiKey:
    return _read(tx.one(GET, team_id=caller.team_id, id=key_id))


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[ApiKey]:
    """Everybody's keys in the team, newest first, those that have ended too."""
    return page(ApiKey, tx.all(LIST, team_id=caller.team_id, before=before(cursor), limit=limit + 1), limit)


def mine(tx: Transaction, caller: Caller, team_id: UUID | None, limit: int, cursor: str | None) -> Page[ApiKey]:
    """The caller's keys in one team or all, also those that they have left, where the keys do nothing; newest first."""
    rows = tx.all(MINE, user_id=caller.user_id, team_id=team_id, before=before(cursor), limit=limit + 1)
    return page(ApiKey, rows, limit)


def current(tx: Transaction, caller: Caller) -> ApiKey:
    """The key that asks."""
    if caller.key_id is None:
        raise Error("not_found", "This is a login, not an API key.")
    return _read(tx.one(CURRENT, user_id=caller.user_id, id=caller.key_id))


def revoke(tx: Transaction, caller: Caller, key_id: UUID) -> None:
    """End anybody's key of the team, for good."""
    row = tx.one(REVOKE, team_id=caller.team_id, id=key_id)
    if row is None:
        _read(tx.one(GET, team_id=caller.team_id, id=key_id))
        return
    audit.record(tx, caller, "key.revoked", ids.encode("key", key_id), {"name": row["name"]})


def revoke_mine(tx: Transaction, caller: Caller, key_id: UUID) -> None:
    """End one's own key, whatever one's role in its team is now."""
    row = tx.one(REVOKE_MINE, user_id=caller.user_id, id=key_id)
    if row is None:
        _read(tx.one(CURRENT, user_id=caller.user_id, id=key_id))
        return
    _record(tx, caller, "key.revoked", key_id, {"name": row["name"]}, None, row["team_id"] if row["member"] else None)


def revoke_all(tx: Transaction, user_id: UUID) -> None:
    """End all of a person's keys, in every team."""
    tx.run(REVOKE_ALL, user_id=user_id)


def _rights(key: ApiKey) -> dict[str, Any]:
    return key.model_dump(mode="json", include={"name", "scopes", "workspace_id", "expires_at"})


def _record(
    tx: Transaction,
    caller: Caller,
    action: str,
    key_id: UUID,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    team_id: UUID | None,
) -> None:
    """For the person in whose name the key acts, and for the team if it is still theirs."""
    target = ids.encode("key", key_id)
    if team_id:
        audit.record(tx, caller, action, target, before, after, team_id=team_id)
    account_events.record(tx, caller.user_id, caller, action, {"key": target, **(after or before or {})})


def _read(row: Row | None) -> ApiKey:
    if row is None:
        raise Error("not_found")
    return ApiKey.model_validate(row)
