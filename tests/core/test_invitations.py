from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import invitations

from tests.api import Api, Person
from tests.core.backstage import tick, uuid_of
from tests.core.joining import ACCEPT, INVITE, accept, audited, events, invite, join, refused, visit

PREVIEW = "POST /v1/invitations/preview"
LIST = "GET /v1/teams/{team_id}/invitations"
REVOKE = "DELETE /v1/teams/{team_id}/invitations/{invitation_id}"
MEMBER = "PATCH /v1/teams/{team_id}/members/{user_id}"
REMOVE = "DELETE /v1/teams/{team_id}/members/{user_id}"


def members(everything: psycopg.Connection) -> int:
    row = everything.execute("select count(*) from team_members").fetchone()
    return int(row[0]) if row else 0


def test_a_link_lets_its_holder_into_the_team_with_its_role(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.register("Bob")
    made = invite(api, ann, "editor")
    assert (made.status, made.json["role"], made.json["email"]) == (201, "editor", None)
    assert made.json["link"].endswith(f"/invitations#token={made.json['token']}")
    joined = accept(api, bob, made)
    assert (joined.status, joined.json) == (
        200, {"team_id": ann.team["id"], "workspace_id": None, "role": "editor"},
    )  # fmt: skip
    assert api.call("GET /v1/teams/{team_id}", by=bob, team_id=ann.team["id"]).json["role"] == "editor"
    told = {"user_id": bob.user["id"], "name": "Bob", "role": "editor"}
    assert events(everything, uuid_of(ann.workspace["id"]))[-1] == ("member.joined", told)
    after = {"role": "editor", "invitation_id": made.json["id"]}
    assert audited(everything, "member.joined") == [(bob.user["id"], None, after)]
    assert audited(everything, "invitation.created") == [(made.json["id"], None, {"role": "editor"})]


def test_the_token_is_shown_once_and_kept_as_a_hash(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    token = invite(api, ann).json["token"]
    listed = api.call(LIST, by=ann, team_id=ann.team["id"])
    assert len(listed.json["data"]) == 1
    assert token not in listed.content.decode()
    for table in ("invitations", "audit_events", "outbox", "room_events", "idempotency_keys"):
        rows = everything.execute(f"select t::text from {table} t").fetchall()
        assert all(token not in row for (row,) in rows), table


def test_a_retry_with_a_key_does_not_keep_the_token(api: Api) -> None:
    ann = api.project()
    given = {"headers": {"Idempotency-Key": "k"}, "by": ann, "team_id": ann.team["id"]}
    first, second = (api.call(INVITE, {"role": "viewer"}, **given).json for _ in range(2))
    assert first["token"] != second["token"]


@pytest.mark.parametrize("by", ["another", "the same", "its maker"])
def test_an_invitation_is_good_once(api: Api, by: str) -> None:
    ann, bob = api.project(), api.register("Bob")
    made = invite(api, ann)
    assert accept(api, bob, made).status == 200
    person = {"another": lambda: api.register("Cat"), "the same": lambda: bob, "its maker": lambda: ann}[by]()
    assert refused(api, person, made) == (401, "invalid_token")


def test_of_many_who_accept_at_once_one_gets_in(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ann = api.project()
    for guest in (False, True):
        people = [api.register(f"P{number}") for number in range(8)]
        made = invite(api, ann, guest=guest)
        statuses = in_threads(lambda person, made=made: accept(api, person, made).status, people)
        assert sorted(statuses) == [200] + [401] * 7
    row = everything.execute("select (select count(*) from team_members), (select count(*) from workspace_members)")
    assert row.fetchone() in ((2, 1), (2, 0))


def test_whoever_revokes_while_another_accepts_one_of_them_wins(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ann = api.project()
    for number in range(8):
        made, bob = invite(api, ann), api.register(f"P{number}")
        before = members(everything)

        def act(who: int, made: Any = made, bob: Person = bob) -> int:
            if who == 0:
                path = {"team_id": ann.team["id"], "invitation_id": made.json["id"]}
                return api.call(REVOKE, by=ann, **path).status
            return accept(api, bob, made).status

        statuses = in_threads(act, [0, 1])
        row = everything.execute(
            "select accepted_at is not null, revoked_at is not null from invitations where id = %s",
            (uuid_of(made.json["id"]),),
        ).fetchone()
        assert statuses[0] == 204
        assert row in ((True, False), (False, True))
        assert members(everything) - before == int(statuses[1] == 200) == int(row[0])


@pytest.mark.parametrize("token", ["", "x", "slp_inv_" + "a" * 43, "é", "x" * 201])
def test_an_unknown_token_lets_nobody_in(api: Api, token: str) -> None:
    ann, bob = api.project(), api.register("Bob")
    invite(api, ann)
    for key in (ACCEPT, PREVIEW):
        answer = api.call(key, {"token": token}, by=bob)
        assert answer.status == (422 if len(token) > 200 else 401)


def test_an_invitation_expires(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.register("Bob")
    made = invite(api, ann, expires_in_days=1)
    row = everything.execute("select expires_at - now() from invitations").fetchone()
    assert 0.99 < row[0].total_seconds() / 86400 <= 1
    everything.execute("update invitations set expires_at = now()")
    assert refused(api, bob, made) == (401, "invalid_token")
    assert api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"] == []


@pytest.mark.parametrize("days", [0, 31, -1, "x"])
def test_it_lasts_a_day_to_thirty(api: Api, days: Any) -> None:
    assert invite(api, api.project(), expires_in_days=days).status == 422


def test_a_revoked_one_lets_nobody_in_and_revoking_twice_is_once(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.register("Bob")
    made = invite(api, ann)
    path = {"team_id": ann.team["id"], "invitation_id": made.json["id"]}
    assert [api.call(REVOKE, by=ann, **path).status for _ in range(2)] == [204, 204]
    assert refused(api, bob, made) == (401, "invalid_token")
    assert api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"] == []
    assert audited(everything, "invitation.revoked") == [(made.json["id"], {"role": "viewer"}, None)]


def test_another_team_s_invitation_cannot_be_revoked_or_listed(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    made = invite(api, ann)
    for team in (ann.team["id"], bob.team["id"]):
        path = {"team_id": team, "invitation_id": made.json["id"]}
        assert api.call(REVOKE, by=bob, **path).status == (404 if team == ann.team["id"] else 204)
    assert api.call(LIST, by=bob, team_id=bob.team["id"]).json["data"] == []
    assert accept(api, api.register("Cat"), made).status == 200


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("inviter", ["owner", "admin", "editor", "viewer", "billing"])
@pytest.mark.parametrize("role", ["owner", "admin", "editor", "viewer", "billing"])
def test_nobody_invites_above_their_own_role_and_nobody_an_owner(api: Api, inviter: str, role: str) -> None:
    ann = api.project()
    person = ann if inviter == "owner" else join(api, ann, inviter)
    answer = api.call(INVITE, {"role": role}, by=person, team_id=ann.team["id"])
    if inviter not in ("owner", "admin"):
        assert answer.status == 403
    else:
        assert answer.status == (422 if role == "owner" else 201)


def test_a_guest_is_an_editor_or_a_viewer_of_a_workspace_of_this_team(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    assert [invite(api, ann, role, guest=True).status for role in ("editor", "viewer")] == [201, 201]
    assert [invite(api, ann, role, guest=True).status for role in ("admin", "billing", "owner")] == [422] * 3
    assert invite(api, ann, workspace_id=bob.workspace["id"]).status == 404
    assert invite(api, ann, workspace_id="ws_" + "0" * 26).status == 404


@pytest.mark.parametrize("how", ["demoted", "removed", "left"])
def test_who_may_invite_no_longer_leaves_no_way_in_behind(api: Api, everything: psycopg.Connection, how: str) -> None:
    ann = api.project()
    eve = join(api, ann, "admin", "Eve")
    made = api.call(INVITE, {"role": "admin"}, by=eve, team_id=ann.team["id"])
    path = {"team_id": ann.team["id"], "user_id": eve.user["id"]}
    match how:
        case "demoted":
            assert api.call(MEMBER, {"role": "editor"}, by=ann, **path).status == 200
        case "removed":
            assert api.call(REMOVE, by=ann, **path).status == 204
        case _:
            assert api.call("POST /v1/teams/{team_id}/leave", by=eve, team_id=ann.team["id"]).status == 204
    for person in (eve, api.register("Bob")):
        assert refused(api, person, made) == (401, "invalid_token")
        assert api.call(PREVIEW, {"token": made.json["token"]}, by=person).status == 401


def test_roles_that_may_invite_are_those_of_the_table() -> None:
    assert set(invitations.INVITERS) == {"owner", "admin"}


# ── Who is there already ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("guest", [False, True])
def test_a_member_is_one_already_and_uses_nothing_up(api: Api, guest: bool) -> None:
    ann = api.project()
    made = invite(api, ann, guest=guest)
    assert refused(api, ann, made) == (409, "already_member")
    assert refused(api, join(api, ann, "viewer"), made) == (409, "already_member")
    assert accept(api, api.register("Cat"), made).status == 200


def test_a_guest_is_one_already(api: Api) -> None:
    ann = api.project()
    gus = visit(api, ann, "viewer")
    assert refused(api, gus, invite(api, ann, "editor", guest=True)) == (409, "already_member")


def test_a_guest_who_becomes_a_member_is_a_guest_no_longer(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    gus = visit(api, ann, "viewer")
    assert accept(api, gus, invite(api, ann, "editor")).status == 200
    assert everything.execute("select 1 from workspace_members").fetchall() == []
    assert api.call("GET /v1/me/workspaces", by=gus).json["data"] == []
    gus.project = ann.project
    assert api.save(gus, "a.py", b"1").status == 201


# ── Clean-up ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_after_its_end_an_invitation_is_forgotten(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    old, kept = (uuid_of(invite(api, ann).json["id"]) for _ in range(2))
    everything.execute("update invitations set expires_at = now() - interval '31 days' where id = %s", (old,))
    everything.execute("update invitations set expires_at = now() - interval '29 days' where id = %s", (kept,))
    tick("expire")
    assert everything.execute("select id from invitations").fetchall() == [(kept,)]


def test_a_key_neither_previews_nor_accepts(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    body = {"name": "K", "scopes": ["*:read"]}
    key = api.call("POST /v1/teams/{team_id}/keys", body, by=bob, team_id=bob.team["id"]).json["secret"]
    for route in (PREVIEW, ACCEPT):
        answer = api.call(route, {"token": invite(api, ann).json["token"]}, by=key)
        assert (answer.status, answer.json["code"]) == (403, "login_required")
