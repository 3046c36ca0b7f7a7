from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from slipway import platform

from tests.api import Api, Person
from tests.core.backstage import happen

pytestmark = pytest.mark.usefixtures("granted")
SOMEBODY = UUID(int=7)


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def test_an_operator_is_named_and_unnamed_by_an_event(ann: Person) -> None:
    email = ann.user["email"]
    for _ in range(2):
        happen("operator", {"email": email.upper(), "operator": True})
    assert platform.operators() == [(email, "Ann")]
    happen("operator", {"email": email, "operator": False})
    assert platform.operators() == []


def test_somebody_who_never_registered_is_not_named(ann: Person) -> None:
    with pytest.raises(platform.Unknown, match="register first"):
        happen("operator", {"email": "nobody@example.com", "operator": True})


def test_a_team_s_plan_and_limit_are_set_from_the_machine(ann: Person, everything: psycopg.Connection) -> None:
    platform.set_plan(ann.team_id, "pro", "a friend")
    platform.set_limit(ann.team_id, "seats", 7, "a friend")
    found = platform.show(ann.team_id)
    assert found.plan == "pro"
    assert [(limit.allowed, limit.source) for limit in found.limits if limit.meter == "seats"] == [(7, "override")]
    query = "select action, credential from audit_events where action in ('plan.set', 'limit.set') order by seq"
    assert everything.execute(query).fetchall() == [("plan.set", "platform"), ("limit.set", "platform")]


@pytest.mark.parametrize(("team", "plan", "meter"), [(SOMEBODY, "pro", "seats"), (None, "gold", "wishes")])
def test_a_team_plan_or_meter_that_does_not_exist_is_told(
    ann: Person, team: UUID | None, plan: str, meter: str
) -> None:
    with pytest.raises(platform.Unknown):
        platform.set_plan(team or ann.team_id, plan, "why not")
    with pytest.raises(platform.Unknown):
        platform.set_limit(team or ann.team_id, meter, 1, "why not")
