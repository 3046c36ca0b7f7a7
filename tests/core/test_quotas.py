from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from slipway import db, quotas
from slipway.errors import Error

from tests.api import Api, Person
from tests.core.backstage import tick, uuid_of

pytestmark = pytest.mark.usefixtures("granted")
LEASE = 3600
CREATE = "POST /v1/workspaces/{workspace_id}/projects"


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection) -> Person:
    """On the plan Free, with one run at a time, 10 a day, 100 seconds a month that stop and soft tokens."""
    everything.execute("update platform set default_plan = 'free'")
    person = api.project()
    for meter, value in (("runs_concurrent", 1), ("runs_per_day", 10), ("run_seconds", 100), ("ai_tokens", 100)):
        everything.execute("update plan_limits set value = %s where meter = %s and plan = 'free'", (value, meter))
    everything.execute("update plan_limits set hard = false where meter = 'ai_tokens'")
    return person


@pytest.fixture
def team(ann: Person) -> UUID:
    return uuid_of(ann.team["id"])


def reserve(team: UUID, source: str, lease: int = LEASE, **amounts: int) -> None:
    with db.for_team(team) as tx:
        quotas.reserve(tx, team, source, amounts, lease_seconds=lease)


def commit(team: UUID, source: str, **amounts: int) -> None:
    with db.for_team(team) as tx:
        quotas.commit(tx, team, source, amounts)


def usage(everything: psycopg.Connection, meter: str) -> tuple[int, int]:
    """Used and reserved, of all periods."""
    query = "select coalesce(sum(used), 0)::int, coalesce(sum(reserved), 0)::int from quota_usage where meter = %s"
    row = everything.execute(query, (meter,)).fetchone()
    assert row
    return row[0], row[1]


def test_what_is_reserved_counts_until_what_was_used_is_committed(team: UUID, everything: psycopg.Connection) -> None:
    reserve(team, "a", runs_concurrent=1, run_seconds=60)
    assert (usage(everything, "runs_concurrent"), usage(everything, "run_seconds")) == ((0, 1), (0, 60))
    commit(team, "a", run_seconds=7)
    assert (usage(everything, "runs_concurrent"), usage(everything, "run_seconds")) == ((0, 0), (7, 0))


def test_a_reservation_that_does_not_fit_beside_what_is_used_and_reserved_is_refused(team: UUID) -> None:
    reserve(team, "a", run_seconds=60)
    commit(team, "a", run_seconds=30)
    reserve(team, "b", run_seconds=40)
    with pytest.raises(Error, match="quota_exceeded"):
        reserve(team, "c", run_seconds=31)
    reserve(team, "d", run_seconds=30)


def test_all_meters_are_reserved_or_none(team: UUID, everything: psycopg.Connection) -> None:
    with pytest.raises(Error, match="quota_exceeded"):
        reserve(team, "a", runs_concurrent=1, run_seconds=101)
    assert (usage(everything, "runs_concurrent"), usage(everything, "run_seconds")) == ((0, 0), (0, 0))
    assert everything.execute("select * from quota_reservations").fetchall() == []


def test_the_same_source_reserves_commits_and_releases_once(team: UUID, everything: psycopg.Connection) -> None:
    for _ in range(2):
        reserve(team, "a", runs_concurrent=1, run_seconds=60)
    assert usage(everything, "run_seconds") == (0, 60)
    for seconds in (7, 9):
        commit(team, "a", run_seconds=seconds)
    with db.for_team(team) as tx:
        quotas.release(tx, team, "a")
    reserve(team, "a", run_seconds=60)
    assert (usage(everything, "run_seconds"), usage(everything, "runs_concurrent")) == ((7, 0), (0, 0))


def test_a_hard_limit_s_reservation_is_all_that_is_counted_and_a_soft_one_s_is_not(
    team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "a", run_seconds=60, ai_tokens=60)
    commit(team, "a", run_seconds=70, ai_tokens=170)
    assert (usage(everything, "run_seconds"), usage(everything, "ai_tokens")) == ((60, 0), (170, 0))
    reserve(team, "b", ai_tokens=1)


def test_work_that_never_commits_gives_back_with_the_next_reservation(
    team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "crashed", lease=0, runs_concurrent=1, run_seconds=100)
    reserve(team, "next", runs_concurrent=1, run_seconds=100)
    assert (usage(everything, "runs_concurrent"), usage(everything, "run_seconds")) == ((0, 1), (0, 100))


def test_work_that_never_commits_gives_back_within_a_minute(
    api: Api, team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "crashed", lease=0, runs_concurrent=1, run_seconds=100)
    reserve(team, "at_work", runs_per_day=1)
    tick("reservations")
    tick("reservations")
    assert (usage(everything, "runs_concurrent"), usage(everything, "run_seconds")) == ((0, 0), (0, 0))
    assert usage(everything, "runs_per_day") == (0, 1), "its lease has not ended"


def test_work_that_commits_after_its_lease_counts_as_far_as_there_is_room(
    team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "late", lease=0, run_seconds=50, ai_tokens=50)
    reserve(team, "other", run_seconds=90)
    commit(team, "late", run_seconds=50, ai_tokens=50)
    assert usage(everything, "run_seconds") == (10, 90)
    assert usage(everything, "ai_tokens") == (50, 0)


def test_what_was_reserved_yesterday_is_committed_yesterday(team: UUID, everything: psycopg.Connection) -> None:
    reserve(team, "a", runs_per_day=1)
    everything.execute("update quota_usage set period_start = period_start - 1")
    everything.execute("update quota_reservations set period_start = period_start - 1")
    reserve(team, "b", runs_per_day=10)
    commit(team, "a", runs_per_day=1)
    query = "select used, reserved, period_start = (now() at time zone 'UTC')::date from quota_usage where meter = 'runs_per_day'"
    assert set(everything.execute(query).fetchall()) == {(1, 0, False), (0, 10, True)}


def test_a_refusal_says_what_is_used_when_it_resets_and_which_plan_allows_it(
    team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "a", runs_per_day=10)
    with pytest.raises(Error) as caught:
        reserve(team, "b", runs_per_day=1)
    problem = caught.value.problem("/", "")
    row = everything.execute("select to_char(app.period_end('day'), 'YYYY-MM-DD\"T00:00:00Z\"')").fetchone()
    said = {name: problem[name] for name in ("status", "limit", "allowed", "used", "resets_at", "plan", "allowed_by")}
    assert said == {
        "status": 402, "limit": "runs_per_day", "allowed": 10, "used": 10, "resets_at": row and row[0], "plan": "free",
        "allowed_by": "Starter (49.00 USD a month)",
    }  # fmt: skip


def test_too_much_at_work_at_once_is_429_and_waiting_helps(team: UUID) -> None:
    reserve(team, "a", runs_concurrent=1)
    with pytest.raises(Error) as caught:
        reserve(team, "b", runs_concurrent=1)
    problem = caught.value.problem("/", "")
    assert (problem["status"], problem["code"], problem["resets_at"]) == (429, "limit_reached", None)
    assert problem["allowed_by"] == "waiting until one ends, or Starter (49.00 USD a month)"


def test_where_no_plan_allows_more_an_operator_does(api: Api, team: UUID, everything: psycopg.Connection) -> None:
    everything.execute("update team_plans set plan = 'enterprise'")
    everything.execute("update plan_limits set value = 1 where meter = 'runs_per_day' and plan = 'enterprise'")
    with pytest.raises(Error) as caught:
        reserve(team, "a", runs_per_day=2)
    assert caught.value.fields["allowed_by"] == "an operator: slipway plan limit <team> runs_per_day 2"


def test_an_amount_is_counted_at_once_and_given_back(team: UUID, everything: psycopg.Connection) -> None:
    everything.execute("update plan_limits set value = 100 where meter = 'storage_bytes' and plan = 'free'")
    with db.for_team(team) as tx:
        quotas.count(tx, team, "storage_bytes", 100)
    with pytest.raises(Error, match="quota_exceeded"), db.for_team(team) as tx:
        quotas.count(tx, team, "storage_bytes", 1)
    with db.for_team(team) as tx:
        quotas.count(tx, team, "storage_bytes", -200)
    assert usage(everything, "storage_bytes") == (0, 0)


def test_the_same_content_is_stored_and_counted_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    for path in ("a", "b"):
        assert api.save(ann, path, b"x" * 60).status == 201
    assert usage(everything, "storage_bytes") == (60, 0)
    everything.execute("update plan_limits set value = 100 where meter = 'storage_bytes' and plan = 'free'")
    refused = api.save(ann, "c", b"y" * 41)
    assert (refused.status, refused.json["code"], refused.json["limit"]) == (402, "quota_exceeded", "storage_bytes")
    assert everything.execute("select count(*) from blobs").fetchone() == (1,), "what was refused is not kept"


def test_projects_are_counted_when_they_come_and_go_with_their_workspace(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute("update plan_limits set value = 2 where meter = 'projects' and plan = 'free'")
    at = {"workspace_id": ann.workspace["id"]}
    answers = [api.call(CREATE, {"name": "Q"}, by=ann, **at) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 402]
    assert (answers[1].json["limit"], answers[1].json["used"], answers[1].json["allowed"]) == ("projects", 2, 2)
    assert usage(everything, "projects") == (2, 0)
    everything.execute("delete from workspaces where id = %s", (uuid_of(ann.workspace["id"]),))
    assert usage(everything, "projects") == (0, 0)


def test_a_person_takes_one_seat_however_often_they_are_a_guest(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    path = {"team_id": ann.team["id"]}
    other = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "V"}, by=ann, **path).json
    bob = api.register("Bob")
    assert usage(everything, "seats") == (1, 0)
    for workspace in (ann.workspace, other):
        everything.execute(
            "insert into workspace_members (team_id, workspace_id, user_id, role) values (%s, %s, %s, 'viewer')",
            (ann.team_id, uuid_of(workspace["id"]), bob.user_id),
        )
    assert usage(everything, "seats") == (2, 0)
    everything.execute("delete from workspaces where id = %s", (uuid_of(other["id"]),))
    assert usage(everything, "seats") == (2, 0)
    everything.execute("delete from users where id = %s", (bob.user_id,))
    assert usage(everything, "seats") == (1, 0)


def test_one_team_s_use_is_not_another_s(api: Api, team: UUID) -> None:
    other = uuid_of(api.project("Bob").team["id"])
    reserve(team, "a", runs_concurrent=1)
    reserve(other, "a", runs_concurrent=1)


def test_a_team_cannot_reserve_for_another(api: Api, team: UUID) -> None:
    bob = uuid_of(api.project("Bob").team["id"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.for_team(bob) as tx:
        quotas.reserve(tx, team, "a", {"runs_concurrent": 1}, lease_seconds=LEASE)


def test_settled_reservations_are_forgotten_after_two_days_and_held_ones_are_not(
    team: UUID, everything: psycopg.Connection
) -> None:
    reserve(team, "old", run_seconds=1)
    commit(team, "old", run_seconds=1)
    everything.execute("update quota_reservations set settled_at = now() - interval '3 days'")
    reserve(team, "held", run_seconds=1)
    tick("expire")
    assert everything.execute("select source from quota_reservations").fetchall() == [("held",)]
    assert usage(everything, "run_seconds") == (1, 1)
