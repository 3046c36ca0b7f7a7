from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from slipway.usage import series

from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.usage.metering import use

pytestmark = pytest.mark.usefixtures("granted")
GET = "GET /v1/teams/{team_id}/usage"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def ask(api: Api, person: Person, **query: Any) -> Any:
    answer = api.call(GET, by=person, team_id=person.team["id"], query=query)
    assert answer.status == 200, answer.json
    return answer.json


def points(answer: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(point[name] for name in names) for point in answer["data"]]


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def test_a_series_sums_by_hour_day_or_month(api: Api, ann: Person) -> None:
    first = TODAY.replace(day=1) - timedelta(days=1)  # of the month before
    used = {first + timedelta(hours=1): 1, first + timedelta(hours=23, minutes=59): 2, first + timedelta(days=1): 4}
    for at, quantity in used.items():
        use(ann.team_id, "runs", quantity, f"run_{quantity}", at)
    span = {"since": stamp(first), "until": stamp(first + timedelta(days=2)), "meter": "runs"}
    hours = points(ask(api, ann, interval="hour", **span), "at", "quantity")
    assert hours == [(stamp(first + timedelta(hours=h)), q) for h, q in ((1, 1), (23, 2), (24, 4))]
    days = points(ask(api, ann, interval="day", **span), "at", "quantity")
    assert days == [(stamp(first), 3), (stamp(first + timedelta(days=1)), 4)]
    months = points(ask(api, ann, interval="month", **span), "at", "quantity")
    assert months == [(stamp(first.replace(day=1)), 3), (stamp(first + timedelta(days=1)), 4)]


def test_the_end_of_a_span_is_not_in_it_and_its_begun_first_interval_is(api: Api, ann: Person) -> None:
    for hour in range(4):
        use(ann.team_id, "runs", 1, f"run_{hour}", TODAY + timedelta(hours=hour))
    span = {"since": stamp(TODAY + timedelta(hours=1, minutes=30)), "until": stamp(TODAY + timedelta(hours=3))}
    hours = points(ask(api, ann, interval="hour", **span), "at")
    assert hours == [(stamp(TODAY + timedelta(hours=1)),), (stamp(TODAY + timedelta(hours=2)),)]


def test_without_a_meter_all_of_them(api: Api, ann: Person) -> None:
    for meter in ("runs", "ai_tokens"):
        use(ann.team_id, meter, 3, "x", TODAY)
    assert points(ask(api, ann), "meter", "quantity") == [("ai_tokens", 3), ("runs", 3)]
    assert points(ask(api, ann, meter="runs"), "meter") == [("runs",)]


def test_a_series_tells_members_or_projects_apart_where_asked(api: Api, ann: Person) -> None:
    bob, project = api.register("Bob"), uuid_of(ann.project["id"])
    use(ann.team_id, "runs", 1, "a", TODAY, ann.user_id, project)
    use(ann.team_id, "runs", 2, "b", TODAY, bob.user_id, project)
    use(ann.team_id, "runs", 4, "c", TODAY)
    members = points(ask(api, ann, by="member"), "user_id", "project_id", "quantity")
    assert sorted(members, key=str) == sorted(
        [(ann.user["id"], None, 1), (bob.user["id"], None, 2), (None, None, 4)], key=str
    )
    projects = points(ask(api, ann, by="project"), "user_id", "project_id", "quantity")
    assert sorted(projects, key=str) == sorted([(None, ann.project["id"], 3), (None, None, 4)], key=str)
    assert points(ask(api, ann), "user_id", "project_id", "quantity") == [(None, None, 7)]


def test_another_teams_use_is_not_in_it(api: Api, ann: Person) -> None:
    bob = api.project("Bob")
    use(bob.team_id, "runs", 1, "a", TODAY)
    assert ask(api, ann)["data"] == []
    assert api.call(GET, by=ann, team_id=bob.team["id"]).status == 404
    assert len(ask(api, bob)["data"]) == 1, "the control"


def test_totals_of_the_period_stand_beside_what_the_plan_allows(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute("update team_plans set plan = 'starter'")
    month = TODAY.replace(day=1)
    use(ann.team_id, "run_seconds", 50, "a", month)
    use(ann.team_id, "run_seconds", 7, "b", TODAY if month < TODAY else month + timedelta(hours=1))
    use(ann.team_id, "run_seconds", 900, "c", month - timedelta(microseconds=1))
    use(ann.team_id, "runs", 3, "a", TODAY)
    use(ann.team_id, "runs", 70, "b", TODAY - timedelta(microseconds=1))
    use(ann.team_id, "api_calls", 11, "a", TODAY)
    everything.execute(
        """insert into quota_usage (team_id, meter, period_start, used) values (%s, 'storage_bytes', '1970-01-01', 77)
           on conflict (team_id, meter, period_start) do update set used = excluded.used""",
        (ann.team_id,),
    )
    totals = {total.pop("meter"): total for total in ask(api, ann)["totals"]}
    allowed: dict[str, int] = dict(
        everything.execute("select meter, value from plan_limits where plan = 'starter'").fetchall()
    )
    end = (month + timedelta(days=32)).replace(day=1)
    a_month = {"period": "month", "period_start": stamp(month), "resets_at": stamp(end)}
    a_day = {"period": "day", "period_start": stamp(TODAY), "resets_at": stamp(TODAY + timedelta(days=1))}
    assert totals["run_seconds"] == {"unit": "seconds", "used": 57, "allowed": allowed["run_seconds"], **a_month}
    assert totals["runs"] == {"unit": "runs", "used": 3, "allowed": allowed["runs_per_day"], **a_day}
    assert totals["api_calls"] == {"unit": "calls", "used": 11, "allowed": None, **a_month}
    standing = {"period": "standing", "period_start": None, "resets_at": None}
    assert totals["storage_bytes"] == {"unit": "bytes", "used": 77, "allowed": allowed["storage_bytes"], **standing}
    assert totals["ai_tokens"]["used"] == 0
    everything.execute("update team_plans set plan = 'unlimited'")
    assert {total["allowed"] for total in ask(api, ann)["totals"]} == {None}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}, "/query/since"),
        ({"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "interval": "hour"}, "/query/since"),
        ({"until": "0001-01-02T00:00:00Z"}, "/query/until"),
        ({"since": "2026-01-01T00:00:00"}, "/query/since"),
        ({"since": "yesterday"}, "/query/since"),
        ({"interval": "minute"}, "/query/interval"),
        ({"by": "role"}, "/query/by"),
        ({"meter": "nothing"}, "/query/meter"),
    ],
)
def test_what_cannot_be_answered_is_refused(api: Api, ann: Person, query: dict[str, str], pointer: str) -> None:
    answer = api.call(GET, by=ann, team_id=ann.team["id"], query=query)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_too_many_points_are_refused(api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_POINTS", 2)
    for hour in range(3):
        use(ann.team_id, "runs", 1, f"run_{hour}", TODAY + timedelta(hours=hour))
    span = {"since": stamp(TODAY), "until": stamp(TODAY + timedelta(days=1))}
    answer = api.call(GET, by=ann, team_id=ann.team["id"], query={"interval": "hour", **span})
    assert (answer.status, "more than 2 points" in answer.json["detail"]) == (422, True)
    assert len(ask(api, ann, interval="day", **span)["data"]) == 1
