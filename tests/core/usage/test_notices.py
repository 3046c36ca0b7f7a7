from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from slipway import clock, db
from slipway.usage import notices

from tests.api import Api, Person
from tests.core.backstage import sent, tick
from tests.core.usage.metering import use

pytestmark = pytest.mark.usefixtures("granted")
MONTH = "date_trunc('month', now() at time zone 'UTC')::date"


@pytest.fixture
def ann(ann: Person, everything: psycopg.Connection) -> Person:
    """She owns a team with the plan Starter, and her address is hers."""
    everything.execute("update team_plans set plan = 'starter'")
    everything.execute("update users set email_verified_at = now()")
    use(ann.team_id, "api_calls", 1, "a", clock.now())  # the team is active
    everything.execute("delete from local.messages")
    return ann


def count(everything: psycopg.Connection, person: Person, meter: str, used: int, first: str = MONTH) -> None:
    """What the quotas have counted."""
    everything.execute(
        f"""insert into quota_usage (team_id, meter, period_start, used) values (%s, %s, {first}, %s)
            on conflict (team_id, meter, period_start) do update set used = excluded.used""".encode(),
        (person.team_id, meter, used),
    )


def percent_of(everything: psycopg.Connection, meter: str, percent: int) -> int:
    row = everything.execute("select value from plan_limits where plan = 'starter' and meter = %s", (meter,)).fetchone()
    return int(row[0]) * percent // 100 if row else 0


def told(everything: psycopg.Connection) -> list[tuple[Any, ...]]:
    return everything.execute("select meter, percent from usage_notices order by sent_at").fetchall()


def letters(everything: psycopg.Connection) -> list[tuple[str, str]]:
    return [(letter["kind"], letter["to"]) for letter in sent(everything, "mail")]


def test_each_step_is_told_once(ann: Person, everything: psycopg.Connection) -> None:
    expected = []
    for percent, step in ((49, None), (50, 50), (79, None), (85, 80), (99, None), (100, 100), (150, None)):
        count(everything, ann, "run_seconds", percent_of(everything, "run_seconds", percent))
        expected += [("run_seconds", step)] if step else []
        for _ in range(2):
            tick("usage")
        assert told(everything) == expected, f"at {percent} %"
    assert letters(everything) == [("usage_notice", ann.user["email"])] * 3
    texts = [letter["text"] for letter in sent(everything, "mail")]
    assert "180,000 seconds of 360,000 seconds (50 %) of its run seconds" in texts[0]
    assert all("Nothing is refused" in text for text in texts), "Starter is told and billed, not stopped"


def test_a_step_that_was_jumped_over_is_not_told_later(ann: Person, everything: psycopg.Connection) -> None:
    for percent in (90, 60):
        count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", percent))
        tick("usage")
    assert told(everything) == [("ai_tokens", 80)]


def test_a_larger_plan_begins_anew(ann: Person, everything: psycopg.Connection) -> None:
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 100))
    tick("usage")
    everything.execute("update team_plans set plan = 'pro'")
    tick("usage")
    assert told(everything) == [("ai_tokens", 100)]
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 260))  # 52 % of Pro's
    tick("usage")
    assert told(everything) == [("ai_tokens", 100), ("ai_tokens", 50)]


def test_a_new_period_begins_anew(ann: Person, everything: psycopg.Connection) -> None:
    count(
        everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 100), f"({MONTH} - interval '1 month')::date"
    )
    tick("usage")
    assert told(everything) == [], "last month's use is no news"
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 100))
    tick("usage")
    assert told(everything) == [("ai_tokens", 100)]


def test_a_days_allowance_is_told_when_it_is_used_up_and_storage_from_its_half(
    ann: Person, everything: psycopg.Connection
) -> None:
    today, standing = "(now() at time zone 'UTC')::date", "date '1970-01-01'"
    count(everything, ann, "runs_per_day", percent_of(everything, "runs_per_day", 90), today)
    count(everything, ann, "seats", percent_of(everything, "seats", 100), standing)
    tick("usage")
    assert told(everything) == []
    count(everything, ann, "runs_per_day", percent_of(everything, "runs_per_day", 100), today)
    tick("usage")
    count(everything, ann, "storage_bytes", percent_of(everything, "storage_bytes", 50), standing)
    tick("usage")
    assert told(everything) == [("runs_per_day", 100), ("storage_bytes", 50)]
    day, storage = (letter["text"] for letter in sent(everything, "mail"))
    assert "2,000 runs of 2,000 runs (100 %) of its runs per day" in day and "What is over it is refused until" in day
    assert "10 GiB of 20 GiB (50 %) of its storage" in storage and "until some of it is freed" in storage


def test_letters_go_to_owners_and_billing_members_whose_address_is_theirs(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    add = "insert into team_members (team_id, user_id, role) values (%s, %s, %s)"
    people = {name: api.register(name) for name in ("Owen", "Bill", "Adam", "Una")}
    for name, role in (("Owen", "owner"), ("Bill", "billing"), ("Adam", "admin"), ("Una", "owner")):
        everything.execute(add, (ann.team_id, people[name].user_id, role))
    everything.execute("update users set email_verified_at = case when name <> 'Una' then now() end")
    stranger = api.project("Zoe")
    everything.execute("update users set email_verified_at = now() where id = %s", (stranger.user_id,))
    everything.execute("delete from local.messages")
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 50))
    tick("usage")
    assert {to for _, to in letters(everything)} == {p.user["email"] for p in (ann, people["Owen"], people["Bill"])}


def test_who_pays_for_another_team_is_not_told_to_a_transaction(api: Api, ann: Person) -> None:
    bob = api.project("Bob")
    for team, found in ((bob.team_id, []), (ann.team_id, [{"email": ann.user["email"]}])):
        with db.for_team(team) as tx:
            assert tx.all(notices.PEOPLE, team_id=ann.team_id) == found


def test_twice_the_plan_is_told_to_operators_and_to_the_alarm_once(
    ann: Person,
    everything: psycopg.Connection,
    api: Api,
    capsys: pytest.CaptureFixture[str],
    log_lines: Callable[[], list[str]],
) -> None:
    olga = api.register("Olga")
    everything.execute("update users set operator = true where id = %s", (olga.user_id,))
    everything.execute("delete from local.messages")
    count(everything, ann, "run_seconds", percent_of(everything, "run_seconds", 199))
    tick("usage")
    assert "TeamOverTwiceItsPlan" not in capsys.readouterr().out
    count(everything, ann, "run_seconds", percent_of(everything, "run_seconds", 230))
    for _ in range(2):
        tick("usage")
    assert told(everything) == [("run_seconds", 100), ("run_seconds", 200)]
    assert [to for kind, to in letters(everything) if kind == "team_over_plan"] == [olga.user["email"]]
    (text,) = [letter["text"] for letter in sent(everything, "mail") if letter["kind"] == "team_over_plan"]
    assert ann.team["id"] in text and "828,000 seconds" in text and "360,000 seconds" in text
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "TeamOverTwiceItsPlan" in line]
    assert [(f["team"], f["meter"], f["TeamOverTwiceItsPlan"]) for f in figures] == [
        (ann.team["id"], "run_seconds", [1.0])
    ]
    assert [json.loads(line)["team"] for line in log_lines() if "team_over_twice_its_plan" in line] == [ann.team["id"]]


def test_many_at_once_tell_once(ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]) -> None:
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 80))
    answers = in_threads(lambda _: notices.send(), list(range(6)))
    assert sum(answers) == 1 and len(letters(everything)) == 1


def test_who_has_no_limit_is_told_nothing(ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("update team_plans set plan = 'unlimited'")
    count(everything, ann, "ai_tokens", 10**15)
    tick("usage")
    assert told(everything) == []


def test_one_teams_mishap_does_not_keep_the_others_from_their_notices(
    api: Api, ann: Person, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = api.project("Bob")
    everything.execute("update team_plans set plan = 'starter'")
    use(bob.team_id, "api_calls", 1, "a", clock.now())
    for person in (ann, bob):
        count(everything, person, "ai_tokens", percent_of(everything, "ai_tokens", 80))
    tell = notices._tell
    monkeypatch.setattr(
        notices, "_tell", lambda c: 1 // 0 if c["team_id"] == min(ann.team_id, bob.team_id) else tell(c)
    )
    assert notices.send() == 1
    monkeypatch.undo()
    assert notices.send() == 1, "the next minute tells it"


def test_a_team_at_rest_is_not_looked_at(ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("update usage_hours set hour = hour - interval '3 hours'")
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 80))
    assert notices.send() == 0
    use(ann.team_id, "api_calls", 1, "b", clock.now() - timedelta(minutes=1))
    assert notices.send() == 1


def test_a_usage_page_shows_what_was_told(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    count(everything, ann, "ai_tokens", percent_of(everything, "ai_tokens", 80))
    tick("usage")
    (notice,) = api.call("GET /v1/teams/{team_id}/usage", by=ann, team_id=ann.team["id"]).json["notices"]
    assert (notice["meter"], notice["percent"], notice["used"], notice["allowed"]) == (
        "ai_tokens",
        80,
        4_000_000,
        5_000_000,
    )


@pytest.mark.parametrize(
    ("meter", "quantity", "said"),
    [
        ("run_seconds", 1_234_567, "1,234,567 seconds"),
        ("something", 5, "5"),
        ("storage_bytes", 1023, "1,023 bytes"),
        ("storage_bytes", 1536, "1.5 KiB"),
        ("storage_bytes", 214_748_364_800, "200 GiB"),
        ("storage_bytes", 5 * 1024**4, "5 TiB"),
    ],
)
def test_amounts_are_said_for_people(meter: str, quantity: int, said: str) -> None:
    assert notices.amount(meter, quantity) == said
