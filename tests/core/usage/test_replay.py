from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import clock, ids
from slipway.usage import replay
from slipway.usage.meters import METERS

from tests.api import Api, Person
from tests.core.usage.metering import sums, use

pytestmark = pytest.mark.usefixtures("granted")
NOBODY = UUID(int=0)
METER = """select app.add_lines(array_agg(t), array_agg(m), array_agg(s), array_agg(a), array_agg(q), array_agg(u), array_agg(p))
             from unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::uuid[], %s::uuid[])
                  as x (t, m, s, a, q, u, p)"""
Event = tuple[UUID, str, str, datetime, int, UUID | None, UUID | None]


def events(dice: random.Random, number: int, teams: list[UUID]) -> list[Event]:
    """Of three months, at the edges of hours, days and months too."""
    people, projects = [None, *(ids.new() for _ in range(4))], [None, *(ids.new() for _ in range(3))]
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    made: list[Event] = []
    for n in range(number):
        at = now - timedelta(hours=dice.randrange(24 * 85))
        at += timedelta(microseconds=dice.choice([0, 1, -1, dice.randrange(3_600_000_000)]))
        made.append((dice.choice(teams), dice.choice([*METERS]), f"source_{n % 700}", at, dice.randrange(1, 10**9),
                     dice.choice(people), dice.choice(projects)))  # fmt: skip
    return made


def tell(everything: psycopg.Connection, told: list[Event], batch: int) -> None:
    for first in range(0, len(told), batch):
        columns = zip(*told[first : first + batch], strict=True)
        everything.execute(METER, [list(column) for column in columns])


def everywhere() -> list[replay.Difference]:
    return list(replay.replay(date(2000, 1, 1), date(2100, 1, 1), mend=False))


def span() -> tuple[date, date]:
    return clock.now().date() - timedelta(days=100), clock.now().date() + timedelta(days=1)


@pytest.mark.parametrize("seed", range(3))
def test_sums_kept_on_the_way_are_those_of_a_replay_whatever_the_order_and_however_often_told(
    api: Api, everything: psycopg.Connection, seed: int
) -> None:
    dice = random.Random(seed)
    teams = [api.project(name).team_id for name in ("Ann", "Bob")]
    distinct = {(t, m, s, a): (t, m, s, a, q, u, p) for t, m, s, a, q, u, p in events(dice, 4000, teams)}
    told = [*distinct.values(), *dice.sample([*distinct.values()], 1500)]
    dice.shuffle(told)
    tell(everything, told, 137)
    hours: Counter[Any] = Counter()
    days: Counter[Any] = Counter()
    for team, meter, _, at, quantity, user, project in distinct.values():
        key = (team, meter, user or NOBODY, project or NOBODY)
        hours[*key, at.replace(minute=0, second=0, microsecond=0)] += quantity
        days[*key, at.date()] += quantity
    columns = ("team_id", "meter", "user_id", "project_id")
    assert {row[:-1]: row[-1] for row in sums(everything, "usage_hours", *columns, "hour", "quantity")} == hours
    assert {row[:-1]: row[-1] for row in sums(everything, "usage_days", *columns, "day", "quantity")} == days
    assert everything.execute("select count(*) from usage_events").fetchone() == (len(distinct),)
    assert everywhere() == []


def test_a_replay_mends_what_it_finds_and_nothing_else(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    tell(everything, events(random.Random(7), 500, [ann.team_id]), 500)
    columns = ("meter", "user_id", "project_id", "quantity", "events")
    right = sums(everything, "usage_hours", "hour", *columns), sums(everything, "usage_days", "day", *columns)
    for table in ("usage_hours", "usage_days"):
        some = f"(tableoid, ctid) in (select tableoid, ctid from {table} order by tableoid, ctid {{}} limit {{}})"
        everything.execute(f"update {table} set quantity = quantity + 5 where {some.format('', 3)}".encode())
        everything.execute(f"delete from {table} where {some.format('offset 5', 2)}".encode())
    everything.execute(
        """insert into usage_days (team_id, meter, day, user_id, project_id, quantity, events)
           values (%s, 'invented', current_date, %s, %s, 99, 1)""",
        (ann.team_id, NOBODY, NOBODY),
    )
    found = everywhere()
    assert Counter(d.summary for d in found) == {"hour": 5, "day": 6}
    assert sum(d.kept - d.counted for d in found if d.meter == "invented") == 99
    assert everywhere() == found, "looking changes nothing"
    mended = list(replay.replay(*span(), ann.team_id, mend=True))
    assert mended == found and everywhere() == []
    everything.execute("delete from usage_days where quantity = 0")
    assert (sums(everything, "usage_hours", "hour", *columns), sums(everything, "usage_days", "day", *columns)) == right


def test_a_replay_of_one_team_leaves_the_others_alone(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.project("Bob")
    for person in (ann, bob):
        use(person.team_id, "runs", 1, "run", clock.now())
    everything.execute("update usage_days set quantity = 50")
    list(replay.replay(*span(), ann.team_id, mend=True))
    assert {d.team_id for d in everywhere()} == {bob.team_id}


def test_metering_goes_on_during_a_replay(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    everything.execute(METER, [[ann.team_id], ["runs"], ["first"], [clock.now()], [1], [None], [None]])
    everything.execute("update usage_days set quantity = 1000; update usage_hours set quantity = 1000")

    def act(thread: int) -> None:
        for n in range(15):
            if thread < 3:
                use(ann.team_id, "runs", 1, f"run_{thread}_{n}", clock.now())
            else:
                list(replay.replay(*span(), ann.team_id, mend=True))

    in_threads(act, list(range(5)))
    assert everywhere() == []
    assert everything.execute("select sum(quantity) from usage_days where meter = 'runs'").fetchone() == (46,)


def test_days_whose_ledger_was_dropped_keep_their_sums(ann: Person, everything: psycopg.Connection) -> None:
    now = clock.now()
    for age in (26 * 31, 24 * 30):
        use(ann.team_id, "runs", 1, "run", now - timedelta(days=age))
    everything.execute("truncate usage_events")
    mended = [d for d in replay.replay(date(2000, 1, 1), now.date(), ann.team_id, mend=True) if d.summary == "day"]
    assert [d.at.date() for d in mended] == [(now - timedelta(days=24 * 30)).astimezone(UTC).date()]
    assert [row[0] for row in sums(everything, "usage_days", "quantity")] == [0, 1]
