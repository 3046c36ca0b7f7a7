"""Credentials of the prepared world's owner that are less than the owner: keys of every kind, and an ended session."""

from __future__ import annotations

import psycopg
from slipway.permissions import SCOPES

from tests.api import Api, Person

# `full` may all that a key may, `narrow` one thing, `elsewhere` all but in another workspace; the others have ended.
KEYS = ("full", "narrow", "elsewhere", "expired", "revoked")


def make(api: Api, owner: Person, other_workspace: str) -> dict[str, str]:
    """Tokens by name."""
    made = {name: _key(api, owner, name, other_workspace) for name in KEYS}
    body = {"email": owner.user["email"], "password": "correct horse"}
    return {**made, "logged_out": api.call("POST /v1/auth/login", body).json["access_token"]}


def _key(api: Api, owner: Person, name: str, other_workspace: str) -> str:
    body = {"name": name, "scopes": ["workspace:read"] if name == "narrow" else sorted(SCOPES)}
    if name == "elsewhere":
        body["workspace_id"] = other_workspace
    made = api.call("POST /v1/teams/{team_id}/keys", body, by=owner, team_id=owner.team["id"])
    secret: str = made.json["secret"]
    return secret


def end(everything: psycopg.Connection, owner: Person) -> None:
    """The hour of those that have ended; the session is the owner's last."""
    everything.execute("update api_keys set expires_at = now() where name = 'expired'")
    # The minute of its last use is kept: a later one changes nothing here.
    everything.execute("update api_keys set last_used_at = now() + interval '1 day' where name = any (%s)", ([*KEYS],))
    everything.execute("update api_keys set revoked_at = now() where name = 'revoked'")
    everything.execute(
        """update sessions set revoked_at = now() where id = (
             select id from sessions where user_id = %s order by id desc limit 1)""",
        (owner.user_id,),
    )
