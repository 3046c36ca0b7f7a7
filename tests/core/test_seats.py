"""How many people a team may have: the plan's seats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.api import Api
from tests.core.joining import accept, invite, join, refused, visit

PREVIEW = "POST /v1/invitations/preview"
REMOVE = "DELETE /v1/teams/{team_id}/members/{user_id}"


def test_seats_are_the_plan_s_and_guests_take_one_too(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ann = api.project()
    everything.execute("update plan_limits set value = 4 where meter = 'seats' and plan = 'unlimited'")
    people = [api.register(f"P{number}") for number in range(6)]
    made = [invite(api, ann, guest=number % 2 == 0) for number in range(6)]
    jobs = list(zip(people, made, strict=True))
    answers = in_threads(lambda job: accept(api, *job), jobs)
    assert sorted(answer.status for answer in answers) == [200] * 3 + [402] * 3
    full = next(answer.json for answer in answers if answer.status == 402)
    assert {name: full[name] for name in ("code", "limit", "allowed", "used")} == {
        "code": "quota_exceeded", "limit": "seats", "allowed": 4, "used": 4,
    }  # fmt: skip
    row = everything.execute(
        "select (select count(*) from team_members) + (select count(*) from workspace_members), "
        "(select count(*) from invitations where accepted_at is not null)"
    ).fetchone()
    assert row == (4, 3), "who found no seat has not used an invitation up"


def test_a_seat_that_somebody_left_is_free(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    everything.execute("update plan_limits set value = 2 where meter = 'seats' and plan = 'unlimited'")
    bob, made = join(api, ann, "viewer"), invite(api, ann)
    cat = api.register("Cat")
    assert refused(api, cat, made) == (402, "quota_exceeded")
    api.call(REMOVE, by=ann, team_id=ann.team["id"], user_id=bob.user["id"])
    assert accept(api, cat, made).status == 200


def test_one_person_in_two_workspaces_takes_one_seat(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    second = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "2"}, by=ann, team_id=ann.team["id"]).json
    everything.execute("update plan_limits set value = 2 where meter = 'seats' and plan = 'unlimited'")
    gus = visit(api, ann, "viewer")
    assert accept(api, gus, invite(api, ann, workspace_id=second["id"])).status == 200
    assert refused(api, api.register("Cat"), invite(api, ann)) == (402, "quota_exceeded")
