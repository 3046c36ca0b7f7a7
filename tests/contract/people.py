"""Who comes and goes in the prepared world: members and guests that an example changes or removes, and two invitations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

import psycopg
from slipway import ids

from tests.api import Api, Person

INVITATION_TOKEN = "slp_inv_" + "i" * 43
INVITATION, REVOKED_INVITATION = UUID(int=0x71), UUID(int=0x72)
INVITATION_ID = ids.encode("inv", REVOKED_INVITATION)
ROLES = {"co_owner": "owner", "heir": "editor", "mover": "viewer", "removed": "viewer", "quitter": "viewer"}


@dataclass
class People:
    """`co_owner` hands the team to `heir`, `mover` gets another role, `removed` is removed and `quitter` leaves;
    `guest` gets another role, `passer` is removed, `visitor` leaves the workspace; `newcomer` is invited."""

    co_owner: Person
    heir: Person
    mover: Person
    removed: Person
    quitter: Person
    guest: Person
    passer: Person
    visitor: Person
    newcomer: Person


def register(api: Api) -> People:
    return People(**{name: api.register(name.title()) for name in People.__annotations__})


def settle(everything: psycopg.Connection, people: People, owner: Person) -> None:
    """Give each their place in the owner's team or workspace."""
    at = {"team_id": owner.team_id, "workspace_id": ids.decode("ws", owner.workspace["id"]), "owner": owner.user_id}
    for name, role in ROLES.items():
        everything.execute(
            "insert into team_members (team_id, user_id, role) values (%(team_id)s, %(user_id)s, %(role)s)",
            {**at, "user_id": getattr(people, name).user_id, "role": role},
        )
    for guest in (people.guest, people.passer, people.visitor):
        everything.execute(
            """insert into workspace_members (team_id, workspace_id, user_id, role)
               values (%(team_id)s, %(workspace_id)s, %(user_id)s, 'viewer')""",
            {**at, "user_id": guest.user_id},
        )
    for id, token in ((INVITATION, INVITATION_TOKEN), (REVOKED_INVITATION, "another")):
        everything.execute(
            """insert into invitations (team_id, id, role, token_hash, invited_by, expires_at)
               values (%(team_id)s, %(id)s, 'viewer', %(hash)s, %(owner)s, now() + interval '1 day')""",
            {**at, "id": id, "hash": hashlib.sha256(token.encode()).digest()},
        )
