from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import members
from slipway.permissions import ROLES

from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.joining import audited, events, join

LIST = "GET /v1/teams/{team_id}/members"
PATCH = "PATCH /v1/teams/{team_id}/members/{user_id}"
REMOVE = "DELETE /v1/teams/{team_id}/members/{user_id}"
LEAVE = "POST /v1/teams/{team_id}/leave"
TRANSFER = "POST /v1/teams/{team_id}/transfer"
TEAM = "GET /v1/teams/{team_id}"
PROJECT = "GET /v1/projects/{project_id}"
KEYS = "POST /v1/teams/{team_id}/keys"


def give(api: Api, by: Person, ann: Person, whom: Person, role: str) -> Any:
    return api.call(PATCH, {"role": role}, by=by, team_id=ann.team["id"], user_id=whom.user["id"])


def remove(api: Api, by: Person, ann: Person, whom: Person) -> Any:
    return api.call(REMOVE, by=by, team_id=ann.team["id"], user_id=whom.user["id"])


def roles(everything: psycopg.Connection, ann: Person) -> dict[str, str]:
    query = "select u.name, m.role from team_members m join users u on u.id = m.user_id where m.team_id = %s"
    return dict(everything.execute(query, (ann.team_id,)).fetchall())


def test_a_member_sees_the_others_with_name_address_and_role(api: Api) -> None:
    ann = api.project()
    bob = join(api, ann, "viewer")
    listed = api.call(LIST, by=bob, team_id=ann.team["id"]).json["data"]
    assert [(m["user_id"], m["name"], m["email"], m["role"]) for m in listed] == [
        (p.user["id"], p.user["name"], p.user["email"], role) for p, role in ((bob, "viewer"), (ann, "owner"))
    ]


def test_members_come_in_pages(api: Api) -> None:
    ann = api.project()
    for name in ("Bob", "Cat", "Dan"):
        join(api, ann, "viewer", name)
    seen, cursor = [], {}
    while True:
        got = api.call(LIST, by=ann, query={"limit": 3, **cursor}, team_id=ann.team["id"]).json
        seen += [m["name"] for m in got["data"]]
        if not got["has_more"]:
            break
        cursor = {"cursor": got["next_cursor"]}
    assert seen == ["Dan", "Cat", "Bob", "Ann"]


def test_a_list_of_members_holds_those_of_one_team(api: Api) -> None:
    ann, bob = api.project(), api.project("Bob")
    assert [m["name"] for m in api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"]] == ["Ann"]
    assert api.call(LIST, by=ann, team_id=bob.team["id"]).status == 404


def test_another_role_holds_at_once_and_is_told_and_kept(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "viewer")
    assert api.save(Person(bob.token, "", bob.user, project=ann.project), "a.py", b"1").status == 403
    changed = give(api, ann, ann, bob, "editor")
    assert (changed.status, changed.json["role"], changed.json["email"]) == (200, "editor", bob.user["email"])
    assert api.save(Person(bob.token, "", bob.user, project=ann.project), "a.py", b"1").status == 201
    assert give(api, ann, ann, bob, "editor").status == 200, "the same again changes nothing"
    told = [e for e in events(everything, uuid_of(ann.workspace["id"])) if e[0] == "member.updated"]
    assert told == [("member.updated", {"user_id": bob.user["id"], "role": "editor"})]
    assert audited(everything, "member.updated") == [(bob.user["id"], {"role": "viewer"}, {"role": "editor"})]


def test_whoever_is_no_member_has_no_role_to_change(api: Api) -> None:
    ann, bob = api.project(), api.register("Bob")
    assert give(api, ann, ann, bob, "editor").status == 404
    assert remove(api, ann, ann, bob).status == 204


@pytest.mark.parametrize("role", ["guest_editor", "boss", "", None])
def test_a_role_that_does_not_exist_is_refused(api: Api, role: Any) -> None:
    ann = api.project()
    bob = join(api, ann, "viewer")
    assert give(api, ann, ann, bob, role).status == 422


@pytest.mark.parametrize("mine", ["owner", "admin"])
@pytest.mark.parametrize("was", ["owner", "admin", "editor", "viewer", "billing"])
@pytest.mark.parametrize("becomes", ["owner", "admin", "viewer", None])
def test_only_owners_make_and_unmake_owners(
    api: Api, everything: psycopg.Connection, mine: str, was: str, becomes: str | None
) -> None:
    """All of it, as a table; `becomes` None: removed."""
    ann = api.project()
    eve, bob = join(api, ann, "admin", "Eve"), join(api, ann, "viewer")
    for person, role in ((eve, mine), (bob, was)):
        give(api, ann, ann, person, role)
    done = remove(api, eve, ann, bob) if becomes is None else give(api, eve, ann, bob, becomes)
    allowed = mine == "owner" or "owner" not in (was, becomes)
    assert done.status == ((204 if becomes is None else 200) if allowed else 403)
    assert roles(everything, ann).get("Bob") == (becomes if allowed else was)


@pytest.mark.parametrize("role", ["editor", "viewer", "billing"])
def test_weaker_roles_change_nobody_not_even_themselves(api: Api, everything: psycopg.Connection, role: str) -> None:
    ann = api.project()
    bob = join(api, ann, role)
    assert give(api, bob, ann, bob, "owner").status == 403
    assert give(api, bob, ann, ann, "viewer").status == 403
    assert remove(api, bob, ann, ann).status == 403
    assert api.call(TRANSFER, {"user_id": bob.user["id"]}, by=bob, team_id=ann.team["id"]).status == 403
    assert roles(everything, ann) == {"Ann": "owner", "Bob": role}


def test_the_table_of_roles_has_no_role_that_is_above_the_owner_s() -> None:
    """What `members.within` relies on."""
    assert all(ROLES[role] <= ROLES["owner"] for role in ROLES)
    assert not ROLES["owner"] <= ROLES["admin"]


def test_the_last_owner_stays_one(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "admin")
    for refused in (
        give(api, ann, ann, ann, "admin"),
        remove(api, ann, ann, ann),
        api.call(LEAVE, by=ann, team_id=ann.team["id"]),
    ):
        assert (refused.status, refused.json["code"]) == (409, "last_owner")
    assert give(api, ann, ann, ann, "owner").status == 200, "what one is already"
    give(api, ann, ann, bob, "owner")
    assert give(api, ann, ann, ann, "viewer").status == 200
    assert roles(everything, ann) == {"Ann": "viewer", "Bob": "owner"}


@pytest.mark.parametrize("how", ["demote", "demote themselves", "leave", "remove", "transfer"])
def test_owners_who_go_at_the_same_time_leave_one_behind(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any], how: str
) -> None:
    ann = api.project()
    owners = [ann, *(join(api, ann, "admin", name) for name in ("Bob", "Cat", "Dan"))]
    for person in owners[1:]:
        give(api, ann, ann, person, "owner")

    def act(number: int) -> int:
        mine, other = owners[number], owners[(number + 1) % len(owners)]
        match how:
            case "demote":
                return give(api, mine, ann, other, "viewer").status
            case "demote themselves":
                return give(api, mine, ann, mine, "viewer").status
            case "leave":
                return api.call(LEAVE, by=mine, team_id=ann.team["id"]).status
            case "remove":
                return remove(api, mine, ann, other).status
            case _:
                body = {"user_id": other.user["id"]}
                return api.call(TRANSFER, body, by=mine, team_id=ann.team["id"]).status

    statuses = in_threads(act, list(range(4)))
    left = list(roles(everything, ann).values()).count("owner")
    assert left >= 1
    assert set(statuses) <= {200, 204, 403, 404, 409}
    if how in ("demote themselves", "leave"):
        assert (left, sorted(statuses)[-1], statuses.count(409)) == (1, 409, 1)


def test_a_transfer_makes_one_an_owner_and_oneself_an_admin(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "viewer")
    moved = api.call(TRANSFER, {"user_id": bob.user["id"]}, by=ann, team_id=ann.team["id"])
    assert (moved.status, moved.json["role"], moved.json["user_id"]) == (200, "owner", bob.user["id"])
    assert roles(everything, ann) == {"Ann": "admin", "Bob": "owner"}
    assert api.call(TRANSFER, {"user_id": ann.user["id"]}, by=ann, team_id=ann.team["id"]).status == 403


def test_a_transfer_needs_another_member(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.register("Bob")
    for whom in (ann, bob):
        assert api.call(TRANSFER, {"user_id": whom.user["id"]}, by=ann, team_id=ann.team["id"]).status == 404
    assert roles(everything, ann) == {"Ann": "owner"}


def test_a_key_neither_makes_nor_unmakes_owners(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    bob = join(api, ann, "viewer")
    body = {"name": "K", "scopes": ["member:*", "*:read", "project:*", "file:*", "run:*"]}
    key = api.call(KEYS, body, by=ann, team_id=ann.team["id"]).json["secret"]
    path = {"team_id": ann.team["id"], "user_id": bob.user["id"]}
    assert api.call(PATCH, {"role": "editor"}, by=key, **path).status == 200
    refused = api.call(PATCH, {"role": "owner"}, by=key, **path)
    assert (refused.status, refused.json["code"]) == (403, "login_required")
    give(api, ann, ann, bob, "owner")
    assert api.call(REMOVE, by=key, **path).json["code"] == "login_required"
    assert roles(everything, ann) == {"Ann": "owner", "Bob": "owner"}
    assert api.call(LEAVE, by=key, team_id=ann.team["id"]).json["code"] == "insufficient_scope"


def test_who_was_demoted_meanwhile_demotes_nobody(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role that the request began with may be over when its turn comes."""
    ann = api.project()
    eve, bob = join(api, ann, "admin", "Eve"), join(api, ann, "viewer")
    began, demoted, hold = threading.Event(), threading.Event(), members._hold

    def late(tx: Any, caller: Any, user_id: Any) -> Any:
        if caller.user_id == eve.user_id:
            began.set()
            demoted.wait(5)
        return hold(tx, caller, user_id)

    def act(number: int) -> int:
        if number == 0:
            return remove(api, eve, ann, bob).status
        began.wait(5)
        status = give(api, ann, ann, eve, "viewer").status
        demoted.set()
        return status

    monkeypatch.setattr(members, "_hold", late)
    assert in_threads(act, [0, 1]) == [403, 200]
    assert roles(everything, ann)["Bob"] == "viewer"
