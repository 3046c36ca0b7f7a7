"""Invite somebody into a team, or as a guest into a workspace."""

from __future__ import annotations

from slipway import invitations
from slipway.caller import Caller
from slipway.capabilities import DATABASE, MAIL_QUEUE
from slipway.db import Transaction
from slipway.ids import TeamId
from slipway.route import route


# The answer has the token: it is not kept for a retry.
@route(
    "POST /v1/teams/{team_id}/invitations",
    allow="invitation:create",
    uses=(DATABASE, MAIL_QUEUE),
    status=201,
    rate="invite",
    idempotency="none",
)
def create(
    caller: Caller, tx: Transaction, team_id: TeamId, new: invitations.NewInvitation
) -> invitations.InvitationLink:
    return invitations.create(tx, caller, new)
