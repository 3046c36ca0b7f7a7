"""Revoke an invitation."""

from __future__ import annotations

from slipway import invitations
from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.ids import InvitationId, TeamId
from slipway.route import route


@route(
    "DELETE /v1/teams/{team_id}/invitations/{invitation_id}",
    allow="invitation:revoke",
    uses=(DATABASE,),
    status=204,
)
def revoke(caller: Caller, tx: Transaction, team_id: TeamId, invitation_id: InvitationId) -> None:
    invitations.revoke(tx, caller, invitation_id)
