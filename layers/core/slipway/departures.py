"""Leaving: an account is deleted with all that is only its own. What others keep shows its id, which is nobody's then."""

from __future__ import annotations

from dataclasses import replace

from slipway import guests, ids, mail, members, passwords, teams, users
from slipway.caller import Caller
from slipway.db import Transaction, sql
from slipway.errors import Error
from slipway.letters.account_deleted import account_deleted
from slipway.texts import Input, Password


class Departure(Input):
    """Who logs in with a provider and has no password sets one first, with the link of a reset letter."""

    password: Password


# In the order of their ids, so that two owners who leave at once wait for each other instead of both leaving.
HOLD = sql(
    """select t.id, t.name from teams t
        where t.id in (select m.team_id from team_members m where m.user_id = %(user_id)s)
        order by t.id for no key update"""
)
MEMBERS = sql(
    """select m.team_id, count(*) as members, count(*) filter (where m.role = 'owner') as owners,
              bool_or(m.role = 'owner' and m.user_id = %(user_id)s) as owner
         from team_members m where m.team_id = any(%(team_ids)s) group by m.team_id"""
)
GUEST_OF = sql("select team_id, workspace_id from workspace_members where user_id = %(user_id)s order by workspace_id")
DELETE = sql("delete from users where id = %(user_id)s")


def delete(tx: Transaction, caller: Caller, departure: Departure) -> None:
    """The account, and the teams of which it is the only member.

    Raises last_owner, naming the teams that would be left to others without an owner.
    """
    user = users.get(tx, caller.user_id)
    passwords.require(tx, caller.user_id, departure.password)
    for team, alone in _teams(tx, caller):
        if alone:
            teams.erase(tx, team.team_id)
        else:
            members.leave(tx, team)
    for row in tx.all(GUEST_OF, user_id=caller.user_id):
        guests.leave(tx, replace(caller, _team_id=row["team_id"]), row["workspace_id"])
    tx.run(DELETE, user_id=caller.user_id)
    subject, text = account_deleted(user.name)
    mail.post(tx, kind="account_deleted", to=user.email, subject=subject, text=text)


def _teams(tx: Transaction, caller: Caller) -> list[tuple[Caller, bool]]:
    """The caller in each of their teams, and whether they are alone there."""
    held = tx.all(HOLD, user_id=caller.user_id)
    found = {row["team_id"]: row for row in tx.all(MEMBERS, user_id=caller.user_id, team_ids=[t["id"] for t in held])}
    left = [t for t in held if (f := found[t["id"]])["members"] > 1 and f["owner"] and f["owners"] == 1]
    if left:
        names = ", ".join(t["name"] for t in left)
        stuck = [{"id": ids.encode("team", t["id"]), "name": t["name"]} for t in left]
        raise Error("last_owner", f"Make another member an owner first, or delete the team: {names}.", teams=stuck)
    return [(replace(caller, _team_id=t["id"]), found[t["id"]]["members"] == 1) for t in held]
