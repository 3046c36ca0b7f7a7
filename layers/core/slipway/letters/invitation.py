"""Somebody is invited into a team, or as a guest into one of its workspaces."""

from __future__ import annotations

from datetime import datetime

from slipway.letters.names import plain
from slipway.letters.times import moment


def invitation(
    inviter: str, team: str, role: str, link: str, expires_at: datetime, workspace: str | None = None
) -> tuple[str, str]:
    """Subject and text. `workspace`: the one that a guest is invited to, and sees nothing beside."""
    where = (
        f"the workspace “{plain(workspace)}” of the team “{plain(team)}”" if workspace else f"the team “{plain(team)}”"
    )
    return f"{plain(inviter)} invited you to “{plain(workspace or team)}”", (
        "Hello,\n\n"
        f"{plain(inviter)} invited you to {where}, as {role}.\n\n"
        f"Open this link to join; it is good until {moment(expires_at)}:\n\n"
        f"{link}\n\n"
        "If you do not know them, do nothing: without it you join nothing.\n"
    )
