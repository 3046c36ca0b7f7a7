from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import uuid_of

PLAN = "GET /v1/teams/{team_id}/plan"
SET_PLAN = "PUT /v1/operator/teams/{team_id}/plan"
SET_LIMIT = "PUT /v1/operator/teams/{team_id}/limits/{meter}"
CLEAR = "DELETE /v1/operator/teams/{team_id}/limits/{meter}"
TRIAL = {"plan": "starter", "reason": "a trial"}


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection) -> Person:
    everything.execute("update platform set default_plan = 'free'")
    return api.project()


@pytest.fixture
def op(api: Api, everything: psycopg.Connection) -> Person:
    """Runs the platform, and belongs to no team."""
    person = api.register("Op")
    everything.execute("update users set operator = true where id = %s", (person.user_id,))
    return person


def plan(api: Api, person: Person) -> Any:
    answer = api.call(PLAN, by=person, team_id=person.team["id"])
    assert answer.status == 200
    return answer.json


def limit(api: Api, person: Person, meter: str) -> Any:
    return next(found for found in plan(api, person)["limits"] if found["meter"] == meter)


def test_a_team_sees_its_plan_and_what_it_uses(api: Api, ann: Person) -> None:
    api.save(ann, "main.py", b"print(1)")
    assert api.run(ann).status == 202
    found = plan(api, ann)
    assert (found["plan"], found["title"], found["until"]) == ("free", "Free", None)
    assert found["since"][:10] == ann.team["created_at"][:10]
    of = {entry["meter"]: entry for entry in found["limits"]}
    assert (of["runs_concurrent"]["reserved"], of["runs_concurrent"]["allowed"]) == (1, 2)
    assert (of["runs_per_day"]["reserved"], of["run_seconds"]["reserved"]) == (1, 60)
    assert (of["projects"]["used"], of["seats"]["used"], of["storage_bytes"]["used"]) == (1, 1, 8)
    assert of["seats"]["resets_at"] is None and of["run_seconds"]["resets_at"].endswith("-01T00:00:00Z")


def test_an_operator_gives_a_team_another_plan(api: Api, ann: Person, op: Person) -> None:
    answer = api.call(SET_PLAN, TRIAL, by=op, team_id=ann.team["id"])
    assert (answer.status, answer.json["plan"]) == (200, "starter")
    assert plan(api, ann)["plan"] == "starter"
    assert limit(api, ann, "runs_concurrent")["allowed"] == 5


def test_a_plan_that_begins_tomorrow_changes_nothing_today(api: Api, ann: Person, op: Person) -> None:
    later = TRIAL | {"effective_from": "2099-01-01T00:00:00Z"}
    assert api.call(SET_PLAN, later, by=op, team_id=ann.team["id"]).json["plan"] == "free"
    assert plan(api, ann)["until"] == "2099-01-01T00:00:00Z"


def test_the_plan_s_history_stays(api: Api, ann: Person, op: Person, everything: psycopg.Connection) -> None:
    for name in ("starter", "pro", "free"):
        api.call(SET_PLAN, {"plan": name, "reason": f"to {name}"}, by=op, team_id=ann.team["id"])
    query = (
        "select plan, effective_to is null, set_by, reason from team_plans where team_id = %s order by effective_from"
    )
    assert everything.execute(query, (ann.team_id,)).fetchall() == [
        ("free", False, ann.user_id, "the team was created"),
        ("starter", False, op.user_id, "to starter"),
        ("pro", False, op.user_id, "to pro"),
        ("free", True, op.user_id, "to free"),
    ]


def test_a_plan_that_is_lent_falls_back_when_it_ends(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute(
        """insert into team_plans (team_id, effective_from, effective_to, plan, reason)
           values (%s, now() - interval '1 hour', now() + interval '1 hour', 'pro', 'a week of Pro')""",
        (ann.team_id,),
    )
    everything.execute("update team_plans set effective_from = now() - interval '2 hours' where plan = 'free'")
    assert plan(api, ann)["plan"] == "pro"
    everything.execute("update team_plans set effective_to = now() - interval '1 minute' where plan = 'pro'")
    assert plan(api, ann)["plan"] == "free"


def test_an_override_is_given_replaced_and_taken_away(api: Api, ann: Person, op: Person) -> None:
    path = {"team_id": ann.team["id"], "meter": "seats"}
    for value in (7, 9):
        assert api.call(SET_LIMIT, {"value": value, "reason": "a course"}, by=op, **path).status == 200
        found = limit(api, ann, "seats")
        assert (found["allowed"], found["source"], found["until"]) == (value, "override", None)
    ends = {"value": None, "reason": "a course", "until": "2099-01-01T00:00:00Z"}
    assert api.call(SET_LIMIT, ends, by=op, **path).status == 200
    assert (limit(api, ann, "seats")["allowed"], limit(api, ann, "seats")["until"]) == (None, "2099-01-01T00:00:00Z")
    assert [api.call(CLEAR, by=op, **path).status for _ in range(2)] == [204, 204]
    assert (limit(api, ann, "seats")["allowed"], limit(api, ann, "seats")["source"]) == (3, "plan")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"plan": "gold", "reason": "a trial"}, 422),
        ({"plan": "pro", "reason": ""}, 422),
        ({"plan": "pro"}, 422),
    ],
)
def test_a_plan_needs_a_name_that_exists_and_a_reason(
    api: Api, ann: Person, op: Person, body: dict[str, str], status: int
) -> None:
    assert api.call(SET_PLAN, body, by=op, team_id=ann.team["id"]).status == status
    assert plan(api, ann)["plan"] == "free"


def test_an_override_must_end_in_the_future_and_be_of_a_meter_that_exists(api: Api, ann: Person, op: Person) -> None:
    path = {"team_id": ann.team["id"], "meter": "seats"}
    past = {"value": 1, "reason": "a course", "until": "2020-01-01T00:00:00Z"}
    assert api.call(SET_LIMIT, past, by=op, **path).status == 422
    assert api.call(SET_LIMIT, {"value": -1, "reason": "a course"}, by=op, **path).status == 422
    unknown = {"value": 1, "reason": "a course"}
    assert api.call(SET_LIMIT, unknown, by=op, team_id=ann.team["id"], meter="wishes").status == 404


@pytest.mark.parametrize("key", [SET_PLAN, SET_LIMIT, CLEAR])
def test_who_is_no_operator_is_told_that_there_is_no_such_thing(
    api: Api, ann: Person, everything: psycopg.Connection, key: str
) -> None:
    body = (
        None
        if key == CLEAR
        else {"plan": "pro", "reason": "mine"}
        if key == SET_PLAN
        else {"value": 9, "reason": "mine"}
    )
    path = {"team_id": ann.team["id"]} | ({} if key == SET_PLAN else {"meter": "seats"})
    refused = api.call(key, body, by=ann, **path)
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert everything.execute("select count(*) from team_plans").fetchone() == (1,)
    assert everything.execute("select count(*) from team_overrides").fetchone() == (0,)


@pytest.mark.parametrize(
    "call",
    [
        "app.operate(%(team)s)",
        "app.operator_set_plan(%(team)s, 'pro', null, 'mine')",
        "app.operator_set_limit(%(team)s, 'seats', 9, null, 'mine')",
        "app.operator_clear_limit(%(team)s, 'seats')",
        "app.operator_teams(null, 'a', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 10)",
        "app.set_plan(%(team)s, 'pro', null, 'mine', null)",
        "app.set_limit(%(team)s, 'seats', 9, null, 'mine', null)",
        "app.set_operator('ann@example.com', true)",
        "app.operators()",
    ],
)
def test_the_database_refuses_what_operators_do_to_everybody_else(machine: Any, ann: Person, call: str) -> None:
    """The second wall: a route that forgot to ask would still change nothing."""
    with psycopg.connect(machine.app_url) as connection:
        begin = "select * from app.begin_request(%s, %s, null, '', null)"
        connection.execute(begin, (ann.user_id, ann.session_id))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select {call}".encode(), {"team": ann.team_id})


def test_plans_and_overrides_are_written_through_doors_only(machine: Any, ann: Person) -> None:
    with psycopg.connect(machine.app_url) as connection:
        connection.execute("select app.begin_team(%s)", (ann.team_id,))
        for change in ("update team_plans set plan = 'pro'", "delete from team_overrides"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(change.encode())


def test_an_operator_s_changes_are_in_the_team_s_audit_log(
    api: Api, ann: Person, op: Person, everything: psycopg.Connection
) -> None:
    api.call(SET_PLAN, TRIAL, by=op, team_id=ann.team["id"])
    api.call(SET_LIMIT, {"value": 7, "reason": "a course"}, by=op, team_id=ann.team["id"], meter="seats")
    api.call(CLEAR, by=op, team_id=ann.team["id"], meter="seats")
    query = """select action, user_id, before, after from audit_events where team_id = %s
                and (action like 'plan.%%' or action like 'limit.%%') order by seq"""
    found = everything.execute(query, (ann.team_id,)).fetchall()
    assert [row[:2] for row in found] == [(name, op.user_id) for name in ("plan.set", "limit.set", "limit.cleared")]
    assert found[0][2:] == ({"plan": "free"}, {"plan": "starter", "reason": "a trial", "effective_from": None})
    assert found[1][2] == {"meter": "seats", "value": 10}
    assert found[2][2:] == ({"meter": "seats", "value": 7}, {"meter": "seats"})


def test_an_operator_s_transaction_sees_one_team(api: Api, ann: Person, op: Person) -> None:
    bob = api.project("Bob")
    api.call(SET_PLAN, TRIAL, by=op, team_id=ann.team["id"])
    assert plan(api, bob)["plan"] == "free"
    assert api.call(PLAN, by=op, team_id=ann.team["id"]).status == 404, "an operator is no member"
    assert uuid_of(bob.team["id"]) != ann.team_id
