"""Everything that is kept about one person, for that person. What belongs to a team is the team's to export."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from slipway import account_events, api_keys, clock, guests, teams, users
from slipway.account_events import AccountEvent
from slipway.api_keys import ApiKey
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.guests import GuestWorkspace
from slipway.ids import SessionId
from slipway.oidc import identities
from slipway.oidc.identities import Identity
from slipway.teams import Team
from slipway.users import User

ALL = 1_000_000  # of a list whose pages are for people


class PastSession(BaseModel):
    """Also those that have ended, which are kept for thirty days."""

    id: SessionId
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class Export(BaseModel):
    """API keys are without their secrets, of which nothing is kept; of the password only a hash is, which is not here."""

    exported_at: datetime
    user: User
    sessions: list[PastSession]
    identities: list[Identity]
    teams: list[Team]
    guest_workspaces: list[GuestWorkspace]
    api_keys: list[ApiKey]
    events: list[AccountEvent]


SESSIONS = sql(
    """select id, user_agent, address, created_at, last_used_at, expires_at, revoked_at from sessions
        where user_id = %(user_id)s order by id desc"""
)


def export(tx: Transaction, caller: Caller) -> Export:
    return Export(
        exported_at=clock.now(),
        user=users.get(tx, caller.user_id),
        sessions=[PastSession.model_validate(row) for row in tx.all(SESSIONS, user_id=caller.user_id)],
        identities=identities.list(tx, caller, ALL, None).data,
        teams=teams.list(tx, caller, ALL, None).data,
        guest_workspaces=guests.mine(tx, caller, ALL, None).data,
        api_keys=api_keys.mine(tx, caller, None, ALL, None).data,
        events=account_events.list(tx, caller, ALL, None).data,
    )
