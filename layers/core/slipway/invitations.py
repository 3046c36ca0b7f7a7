"""Invitations: by a link that is good once, into a team or, as a guest, into one of its workspaces.

One with an e-mail address is for the account that has verified that address, and for nobody whom the letter was passed on
to; one without is for whoever holds the link. It lasts until it expires or is revoked, and no longer than its maker may
invite: who was removed or demoted leaves no way back in behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from slipway import audit, ids, mail, members, quotas, rooms, scopes, tokens, workspaces
from slipway.caller import Caller
from slipway.db import Row, Transaction, sql
from slipway.errors import Error
from slipway.ids import InvitationId, TeamId, UserId, WorkspaceId
from slipway.letters import links
from slipway.letters.invitation import invitation as letter
from slipway.pages import before, page
from slipway.permissions import ROLES, allows
from slipway.reply import Page
from slipway.texts import Email, Input

PREFIX = "slp_inv_"
INVITERS = [role for role in ROLES if allows(role, "invitation:create")]  # asked when it is accepted, too


class Invitation(BaseModel):
    """`workspace_id` None: into the team. `email` None: for whoever holds the link."""

    id: InvitationId
    team_id: TeamId
    workspace_id: WorkspaceId | None
    email: str | None
    role: str
    invited_by: UserId
    created_at: datetime
    expires_at: datetime


class InvitationLink(Invitation):
    """The link, shown this once; it ends with the token."""

    link: str
    token: str


class NewInvitation(Input):
    """With `workspace_id` a guest of that workspace, as editor or viewer."""

    email: Email | None = None
    role: Literal["admin", "editor", "viewer", "billing"]
    workspace_id: WorkspaceId | None = None
    expires_in_days: int = Field(default=7, ge=1, le=30)

    @model_validator(mode="after")
    def _a_guest_s_role(self) -> NewInvitation:
        if self.workspace_id is not None and self.role not in ("editor", "viewer"):
            raise ValueError("a guest of a workspace is an editor or a viewer")
        return self


class Token(Input):
    token: Annotated[str, Field(max_length=200)]


class Preview(BaseModel):
    """What the holder of a link is told. `acceptable` false: it was sent to another address than one's own verified."""

    team_id: TeamId
    team_name: str
    workspace_id: WorkspaceId | None
    workspace_name: str | None
    role: str
    invited_by_name: str
    expires_at: datetime
    acceptable: bool


class Joined(BaseModel):
    """Where the caller is now; `workspace_id` None: in the whole team."""

    team_id: TeamId
    workspace_id: WorkspaceId | None
    role: str


INSERT = sql(
    """insert into invitations (team_id, id, workspace_id, email, role, token_hash, invited_by, expires_at)
       values (%(team_id)s, %(id)s, %(workspace_id)s, %(email)s, %(role)s, %(token_hash)s, %(user_id)s,
               now() + make_interval(days => %(days)s))
       returning id, team_id, workspace_id, email, role, invited_by, created_at, expires_at"""
)
LIST = sql(
    """select id, team_id, workspace_id, email, role, invited_by, created_at, expires_at from invitations
        where team_id = %(team_id)s and accepted_at is null and revoked_at is null and expires_at > now()
          and id < %(before)s order by id desc limit %(limit)s"""
)
REVOKE = sql(
    """update invitations set revoked_at = now()
        where team_id = %(team_id)s and id = %(id)s and accepted_at is null and revoked_at is null
       returning role, email, workspace_id"""
)
PLACE = sql(
    """select t.name as team, w.name as workspace, u.name as inviter, u.email_verified_at is not null as verified
         from teams t join users u on u.id = %(user_id)s
         left join workspaces w on w.team_id = t.id and w.id = %(workspace_id)s
        where t.id = %(team_id)s"""
)
PREVIEW = sql("select * from app.preview_invitation(%(token_hash)s, %(inviters)s)")
ACCEPT = sql("select * from app.accept_invitation(%(token_hash)s, %(inviters)s)")
NAME = sql("select name from users where id = %(user_id)s")


def create(tx: Transaction, caller: Caller, new: NewInvitation) -> InvitationLink:
    if not members.within(new.role, caller.role):
        raise Error("forbidden", f"Your role here is {caller.role}: it does not reach to the role {new.role}.")
    scopes.require_role(caller, new.role)
    place = tx.one(PLACE, team_id=caller.team_id, user_id=caller.user_id, workspace_id=new.workspace_id)
    if place is None or (new.workspace_id is not None and place["workspace"] is None):
        raise Error("not_found", "There is no such workspace in this team.")
    if new.email is not None:
        _check_address(new.email, place["verified"])
    token = tokens.opaque(PREFIX)
    row = tx.one(
        INSERT,
        team_id=caller.team_id,
        id=ids.new(),
        workspace_id=new.workspace_id,
        email=new.email,
        role=new.role,
        token_hash=tokens.hashed(token),
        user_id=caller.user_id,
        days=new.expires_in_days,
    )
    made = InvitationLink.model_validate({**(row or {}), "token": token, "link": links.invitation(token)})
    if new.email is not None:
        subject, text = letter(
            place["inviter"], place["team"], new.role, made.link, made.expires_at, workspace=place["workspace"]
        )
        mail.post(tx, kind="invitation", to=new.email, subject=subject, text=text)
    audit.record(tx, caller, "invitation.created", ids.encode("inv", made.id), None, _kept(row))
    return made


def list(tx: Transaction, caller: Caller, limit: int, cursor: str | None) -> Page[Invitation]:
    """The open ones, newest first."""
    return page(Invitation, tx.all(LIST, team_id=caller.team_id, before=before(cursor), limit=limit + 1), limit)


def revoke(tx: Transaction, caller: Caller, invitation_id: UUID) -> None:
    """One that is not open (any more) is no error."""
    row = tx.one(REVOKE, team_id=caller.team_id, id=invitation_id)
    if row is not None:
        audit.record(tx, caller, "invitation.revoked", ids.encode("inv", invitation_id), _kept(row))


def preview(tx: Transaction, sent: Token) -> Preview:
    row = tx.one(PREVIEW, token_hash=tokens.hashed(sent.token), inviters=INVITERS)
    if row is None:
        raise Error("invalid_token")
    return Preview.model_validate(row)


def accept(tx: Transaction, caller: Caller, sent: Token) -> Joined:
    """Once, whoever tries at the same time; within the plan's seats."""
    row = tx.one(ACCEPT, token_hash=tokens.hashed(sent.token), inviters=INVITERS)
    match row["outcome"] if row else "invalid":
        case "other_address":
            raise Error(
                "forbidden", "This invitation was sent to another address: log in with the account that has it."
            )
        case "unverified":
            raise Error("email_not_verified", "Verify your e-mail address first, to which this invitation was sent.")
        case "member":
            raise Error("already_member")
        case "accepted" if row is not None:
            quotas.check_standing(tx, row["team_id"], "seats")
            _welcome(tx, caller, row)
            return Joined.model_validate(row)
    raise Error("invalid_token")


def _welcome(tx: Transaction, caller: Caller, joined: Row) -> None:
    """Tell the people there, and the log."""
    who, team_id, workspace_id = ids.encode("usr", caller.user_id), joined["team_id"], joined["workspace_id"]
    named = tx.one(NAME, user_id=caller.user_id)
    role = joined["role"] if workspace_id is None else f"guest_{joined['role']}"
    told = {"user_id": who, "name": named["name"] if named else "", "role": role}
    if workspace_id is None:
        workspaces.announce(tx, team_id, "member.joined", told)
    else:
        rooms.append(tx, team_id, "ws", workspace_id, [("member.joined", told)])
    action = "member.joined" if workspace_id is None else "guest.joined"
    after = {**_kept(joined), "invitation_id": ids.encode("inv", joined["id"])}
    audit.record(tx, caller, action, who, None, after, team_id=team_id)


def _check_address(address: str, verified: bool) -> None:
    """Letters to strangers are sent for those only whose own address is known to be theirs."""
    if not verified:
        raise Error("email_not_verified", "Verify your own address before you invite by e-mail, or share a link.")
    try:
        mail.address(address)
    except mail.BadAddress as error:
        errors = [{"pointer": "/body/email", "code": "email", "detail": str(error)}]
        raise Error("invalid", f"/body/email: {error}", errors=errors) from None


def _kept(row: Row | None) -> dict[str, Any]:
    """What the log keeps: no token; the address, because whom one invited is what the log is asked."""
    row = row or {}
    workspace_id = row.get("workspace_id")
    found = {
        "role": row.get("role"),
        "email": row.get("email"),
        "workspace_id": ids.encode("ws", workspace_id) if workspace_id else None,
    }
    return {name: value for name, value in found.items() if value is not None}
