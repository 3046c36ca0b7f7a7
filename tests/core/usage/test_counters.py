from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from slipway.usage import counters

from tests.api import Api, Person
from tests.core.backstage import tick
from tests.core.usage.metering import lines, sums

pytestmark = pytest.mark.usefixtures("granted")
GET = "GET /v1/teams/{team_id}"
CALLS = "select coalesce(sum(quantity), 0)::integer from usage_events where meter = 'api_calls'"


def calls(api: Api, person: Person, number: int) -> None:
    for _ in range(number):
        assert api.call(GET, by=person, team_id=person.team["id"]).status == 200


@pytest.fixture
def since(ann: Person) -> None:
    """What it took to make her is metered already."""
    tick("usage")


@pytest.mark.usefixtures("since")
def test_every_call_about_a_team_is_metered_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    (before,) = everything.execute(CALLS).fetchone() or (0,)
    calls(api, ann, 3)
    api.call("PATCH /v1/projects/{project_id}", {"name": "Q"}, by=ann, project_id=ann.project["id"])
    tick("usage")
    tick("usage")
    assert everything.execute(CALLS).fetchone() == (before + 4,)
    newest = "select user_id, quantity from usage_events where meter = 'api_calls' order by at desc limit 1"
    assert everything.execute(newest).fetchone() == (ann.user_id, 4), "reads and writes of one person are one line"
    calls(api, ann, 2)
    tick("usage")
    assert everything.execute(CALLS).fetchone() == (before + 6,)


@pytest.mark.usefixtures("since")
def test_each_member_is_metered_apart(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.register("Bob")
    everything.execute(
        "insert into team_members (team_id, user_id, role) values (%s, %s, 'viewer')", (ann.team_id, bob.user_id)
    )
    bob.team = ann.team
    everything.execute("truncate usage_events, usage_days, usage_hours")
    calls(api, ann, 1)
    calls(api, bob, 2)
    tick("usage")
    assert sorted(lines(everything, "user_id", "quantity")) == sorted([(ann.user_id, 1), (bob.user_id, 2)])
    assert {*sums(everything, "usage_days", "user_id", "quantity")} == {(ann.user_id, 1), (bob.user_id, 2)}


def test_calls_about_no_team_are_nobodys_and_do_not_stay_in_the_buckets(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    tick("usage")
    everything.execute(
        """insert into rate_buckets (team_id, subject, class, tokens, filled_at, calls)
           values ('00000000-0000-0000-0000-000000000000', %s, 'read', 0, now(), 7),
                  (gen_random_uuid(), %s, 'read', 0, now(), 9)""",
        (ann.user_id, ann.user_id),
    )
    before = lines(everything, "source")
    tick("usage")
    assert lines(everything, "source") == before
    assert everything.execute("select count(*) from rate_buckets where calls > 0").fetchone() == (0,)


def test_a_bucket_that_a_request_holds_is_taken_the_next_time(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    tick("usage")
    calls(api, ann, 5)
    with everything.transaction():
        everything.execute("select from rate_buckets for update")
        assert counters.take_calls() == 0
    assert counters.take_calls() == 1


def test_what_could_not_be_metered_stays_counted(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    tick("usage")
    calls(api, ann, 5)
    everything.execute("alter table usage_days add constraint broken check (events < 0) not valid")
    try:
        with pytest.raises(psycopg.errors.CheckViolation):
            counters.take_calls()
    finally:
        everything.execute("alter table usage_days drop constraint broken")
    assert everything.execute("select sum(calls) from rate_buckets").fetchone() == (5,)
    assert counters.take_calls() == 1


def test_calls_are_lost_or_doubled_by_no_interleaving(
    api: Api, ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    tick("usage")
    (before,) = everything.execute(CALLS).fetchone() or (0,)

    def act(thread: int) -> None:
        for _ in range(10):
            if thread < 4:
                calls(api, ann, 1)
            else:
                counters.take_calls()

    in_threads(act, list(range(7)))
    tick("usage")
    assert everything.execute(CALLS).fetchone() == (before + 40,)


def test_more_buckets_than_one_transaction_takes_are_all_taken(
    ann: Person, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "BUCKETS", 10)
    tick("usage")
    everything.execute(
        """insert into rate_buckets (team_id, subject, class, tokens, filled_at, calls)
           select %s, gen_random_uuid(), 'read', 0, now(), 2 from generate_series(1, 35)""",
        (ann.team_id,),
    )
    assert counters.take_calls() == 35
    monkeypatch.setattr(counters, "BATCHES", 0)
    assert counters.take_calls() == 0, "bounded: the rest waits for the next minute"


def test_what_a_team_keeps_is_counted_once_an_hour(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob, carl = api.project("Bob"), api.project("Carl")
    api.save(ann, "a", b"x" * 1000)
    api.save(ann, "b", b"x" * 1000)  # the same content is kept once
    api.save(ann, "c", b"y" * 24)
    api.save(bob, "a", b"x" * 500)
    for _ in range(2):
        tick("storage")
    stored = "select team_id, quantity, at from usage_events where meter = 'storage_byte_hours'"
    found = {team: (quantity, at) for team, quantity, at in everything.execute(stored)}
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert found == {ann.team_id: (1024, hour), bob.team_id: (500, hour)}
    assert carl.team_id not in found, "who keeps nothing has no line"


def test_storage_goes_through_all_teams_in_batches(
    api: Api, ann: Person, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = [ann, *(api.project(name) for name in ("Bob", "Carl", "Dora"))]
    for person in everyone:
        api.save(person, "a", b"x")
    monkeypatch.setattr(counters, "TEAMS", 2)
    assert counters.weigh_storage() == 3
    assert len(lines(everything, "team_id")) >= 4
    query = "select count(*) from usage_events where meter = 'storage_byte_hours'"
    assert everything.execute(query).fetchone() == (4,)
