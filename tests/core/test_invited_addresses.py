"""Invitations by e-mail: for the account that has verified the address, and for nobody else."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.api import Api
from tests.core.backstage import sent
from tests.core.joining import accept, invite, refused, verify

PREVIEW = "POST /v1/invitations/preview"
REMOVE = "DELETE /v1/teams/{team_id}/members/{user_id}"


def letters(everything: psycopg.Connection) -> list[Any]:
    return [letter for letter in sent(everything, "mail") if letter["kind"] == "invitation"]


def members(everything: psycopg.Connection) -> int:
    row = everything.execute("select count(*) from team_members").fetchone()
    return int(row[0]) if row else 0


def test_an_invitation_by_e_mail_needs_the_inviter_s_own_address_verified(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    answer = invite(api, ann, email="bob@example.com")
    assert (answer.status, answer.json["code"]) == (403, "email_not_verified")
    assert invite(api, ann).status == 201, "a link needs none"
    assert letters(everything) == []
    verify(everything, ann)
    assert invite(api, ann, email="bob@example.com").status == 201


@pytest.mark.parametrize("guest", [False, True])
def test_the_letter_says_who_invites_where_and_has_the_link(
    api: Api, everything: psycopg.Connection, guest: bool
) -> None:
    ann = api.project()
    verify(everything, ann)
    made = invite(api, ann, "editor", guest=guest, email=" Bob@Example.com ")
    assert made.json["email"] == "bob@example.com"
    [letter] = letters(everything)
    assert letter["to"] == "bob@example.com"
    assert letter["subject"] == ("Ann invited you to “W”" if guest else "Ann invited you to “Team”")
    assert made.json["link"] in letter["text"].splitlines()


@pytest.mark.parametrize("email", ["bob", "a@b@example.com", "bü@example.com", "a,b@example.com", "x@exa mple.com"])
def test_an_address_that_no_letter_reaches_is_refused(api: Api, everything: psycopg.Connection, email: str) -> None:
    ann = api.project()
    verify(everything, ann)
    answer = invite(api, ann, email=email)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/body/email")
    assert letters(everything) == []


def test_a_passed_on_letter_lets_no_stranger_in(api: Api, everything: psycopg.Connection) -> None:
    ann, bob, cat = api.project(), api.register("Bob"), api.register("Cat")
    for person in (ann, cat):
        verify(everything, person)
    made = invite(api, ann, email=bob.user["email"])
    assert refused(api, cat, made) == (403, "forbidden")
    assert refused(api, bob, made) == (403, "email_not_verified")
    verify(everything, bob)
    assert accept(api, bob, made).status == 200, "what was refused has not used it up"
    assert members(everything) == 2


def test_a_preview_says_what_it_is_about_and_whether_one_may(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.register("Bob")
    verify(everything, ann)
    made = invite(api, ann, "viewer", guest=True, email=bob.user["email"])
    about = {
        "team_id": ann.team["id"], "team_name": "Team", "workspace_id": ann.workspace["id"], "workspace_name": "W",
        "role": "viewer", "invited_by_name": "Ann", "expires_at": made.json["expires_at"], "acceptable": False,
    }  # fmt: skip
    body = {"token": made.json["token"]}
    assert api.call(PREVIEW, body, by=bob).json == about
    assert api.call(PREVIEW, body, by=ann).json == about
    verify(everything, bob)
    assert api.call(PREVIEW, body, by=bob).json == {**about, "acceptable": True}
    open_to_all = invite(api, ann)
    team = api.call(PREVIEW, {"token": open_to_all.json["token"]}, by=bob).json
    assert (team["workspace_id"], team["workspace_name"], team["acceptable"]) == (None, None, True)
    assert api.call(PREVIEW, body).status == 401, "nobody is told anything"
