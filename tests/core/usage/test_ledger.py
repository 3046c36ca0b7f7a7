from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from slipway import db
from slipway.caller import from_context
from slipway.usage import ledger

from stacks.local.machine import Machine
from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.usage.metering import lines, sums, use

pytestmark = pytest.mark.usefixtures("granted")
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
LIST = "GET /v1/teams/{team_id}/usage/events"


def test_a_line_is_added_to_the_sums_of_its_hour_and_day(ann: Person, everything: psycopg.Connection) -> None:
    use(ann.team_id, "run_seconds", 5, "run_a", NOON, ann.user_id)
    use(ann.team_id, "run_seconds", 7, "run_b", NOON + timedelta(minutes=59, seconds=59), ann.user_id)
    use(ann.team_id, "run_seconds", 11, "run_c", NOON + timedelta(hours=1), ann.user_id)
    assert sums(everything, "usage_hours", "hour", "quantity", "events") == [
        (NOON, 12, 2),
        (NOON + timedelta(hours=1), 11, 1),
    ]
    assert sums(everything, "usage_days", "day", "quantity", "events", "user_id") == [(NOON.date(), 23, 3, ann.user_id)]


def test_the_same_event_told_again_is_once(ann: Person, everything: psycopg.Connection) -> None:
    for quantity in (5, 5, 6):
        use(ann.team_id, "runs", quantity, "run_a", NOON)
    assert lines(everything, "quantity") == [(5,)]
    assert sums(everything, "usage_days", "quantity", "events") == [(5, 1)]
    use(ann.team_id, "runs", 5, "run_a", NOON + timedelta(microseconds=1))
    use(ann.team_id, "run_seconds", 5, "run_a", NOON)
    assert len(lines(everything, "source")) == 3, "the control: another time or another meter is another line"


def test_the_same_event_told_by_many_at_once_is_once(
    ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    in_threads(lambda n: use(ann.team_id, "runs", 3, f"run_{n % 3}", NOON), list(range(12)))
    assert sums(everything, "usage_hours", "quantity", "events") == [(9, 3)]


def test_many_at_once_lose_nothing(ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]) -> None:
    def ten(thread: int) -> None:
        for n in range(10):
            use(ann.team_id, "runs", 1, f"run_{thread}_{n}", NOON)
            use(ann.team_id, "run_seconds", 2, f"run_{thread}_{n}", NOON)

    in_threads(ten, list(range(8)))
    assert sums(everything, "usage_days", "meter", "quantity", "events") == [("run_seconds", 160, 80), ("runs", 80, 80)]


def test_nothing_used_is_no_line(ann: Person, everything: psycopg.Connection) -> None:
    use(ann.team_id, "runs", 0, "run_a", NOON)
    assert lines(everything, "source") == []


def test_a_transaction_that_rolls_back_used_nothing(ann: Person, everything: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), db.for_team(ann.team_id) as tx:
        ledger.record(tx, ann.team_id, "runs", 1, "run_a", NOON)
        tx.finish()
        1 / 0  # noqa: B018
    assert lines(everything, "source") == [] and sums(everything, "usage_days", "day") == []


def test_sums_are_locked_at_the_very_end_of_a_transaction(ann: Person, everything: psycopg.Connection) -> None:
    with db.for_team(ann.team_id) as tx:
        ledger.record(tx, ann.team_id, "runs", 1, "run_a", NOON)
        assert tx.all(db.sql("select 1 as line from usage_events")) == [], "it waits for the commit"
    assert lines(everything, "source") == [("run_a",)]


CHANGES = ("insert into usage_events (quantity) values (1)", "update usage_events set quantity = 1",
           "delete from usage_events", "truncate usage_events", "update usage_days set quantity = 1",
           "delete from usage_days", "update usage_hours set quantity = 1", "delete from usage_hours",
           "update usage_notices set percent = 50", "delete from usage_notices")  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_who_answers_requests_can_change_the_ledger(
    machine: Machine, everything: psycopg.Connection, change: str
) -> None:
    everything.execute("set role slipway_app")
    everything.execute("select count(*) from usage_events, usage_days, usage_hours, usage_notices")  # it may look
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        everything.execute(change.encode())


@pytest.mark.parametrize("change", [c for c in CHANGES if "delete" in c or "usage_events set" in c])
def test_the_schema_s_own_doors_cannot_take_a_line_back_either(
    machine: Machine, everything: psycopg.Connection, change: str
) -> None:
    everything.execute("set role slipway_door")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        everything.execute(change.encode())


def test_lines_are_added_past_the_check_of_the_team_by_doors_only(everything: psycopg.Connection) -> None:
    """The control: a superuser may."""
    add = "select app.add_lines('{}', '{}', '{}', '{}', '{}', '{}', '{}')"
    everything.execute(add)
    everything.execute("set role slipway_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
        everything.execute(add)


def test_a_line_cannot_take_away(ann: Person, everything: psycopg.Connection) -> None:
    for quantity in (0, -5):
        with pytest.raises(psycopg.errors.CheckViolation):
            everything.execute(
                "insert into usage_events (team_id, meter, source, at, quantity) values (%s, 'runs', 'x', now(), %s)",
                (ann.team_id, quantity),
            )


def test_another_teams_use_cannot_be_recorded(api: Api, ann: Person) -> None:
    bob = api.project("Bob")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="acts for"), db.for_team(bob.team_id) as tx:
        ledger.record(tx, ann.team_id, "runs", 1, "run_a", NOON)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="acts for"), db.for_platform() as tx:
        ledger.record(tx, ann.team_id, "runs", 1, "run_a", NOON)


def test_a_guest_uses_what_the_team_pays_and_does_not_read_it(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    guest, workspace = api.register("Gus"), uuid_of(ann.workspace["id"])
    everything.execute(
        "insert into workspace_members (team_id, workspace_id, user_id, role) values (%s, %s, %s, 'editor')",
        (ann.team_id, workspace, guest.user_id),
    )
    caller = from_context(guest.context)
    with db.transaction(caller, "ws", workspace) as (tx, known):
        ledger.record(tx, known.team_id, "runs", 1, "run_a", NOON, known.user_id)
    assert lines(everything, "source", "user_id") == [("run_a", guest.user_id)]
    with db.transaction(caller, "ws", workspace) as (tx, _):
        assert tx.all(db.sql("select from usage_events")) == tx.all(db.sql("select from usage_days")) == []
    assert api.call(LIST, by=guest, team_id=ann.team["id"]).status == 404


def test_lines_come_newest_first_in_pages_without_gaps(api: Api, ann: Person) -> None:
    told = []
    for n in range(7):
        at = NOON - timedelta(hours=n // 2)  # some at the same moment
        use(ann.team_id, "runs", 1, f"run {n}", at, ann.user_id)
        told.append((at, f"run {n}"))
    use(ann.team_id, "ai_tokens", 1, "call", NOON)
    seen, cursor = [], None
    for _ in range(10):
        query = {"limit": 2, "meter": "runs"} | ({"cursor": cursor} if cursor else {})
        page = api.call(LIST, by=ann, team_id=ann.team["id"], query=query).json
        seen += [(datetime.fromisoformat(line["at"]), line["source"]) for line in page["data"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert seen == sorted(told, reverse=True)
    every = api.call(LIST, by=ann, team_id=ann.team["id"]).json["data"]
    assert len(every) == 8
    assert every[-1] | {"recorded_at": None} == {
        "at": (NOON - timedelta(hours=3)).isoformat().replace("+00:00", "Z"), "meter": "runs", "quantity": 1,
        "source": "run 6", "user_id": ann.user["id"], "project_id": None, "recorded_at": None,
    }  # fmt: skip


@pytest.mark.parametrize("cursor", ["not a cursor", "aGVsbG8", "MjAyNi0xMy0wMSBhIGI"])
def test_what_is_no_cursor_is_refused(api: Api, ann: Person, cursor: str) -> None:
    answer = api.call(LIST, by=ann, team_id=ann.team["id"], query={"cursor": cursor})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/query/cursor")


def test_lines_are_for_who_may_read_usage(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    bob = api.register("Bob")
    assert api.call(LIST, by=bob, team_id=ann.team["id"]).status == 404
    everything.execute(
        "insert into team_members (team_id, user_id, role) values (%s, %s, 'viewer')", (ann.team_id, bob.user_id)
    )
    assert api.call(LIST, by=bob, team_id=ann.team["id"]).json["code"] == "forbidden"
    everything.execute("update team_members set role = 'billing' where user_id = %s", (bob.user_id,))
    assert api.call(LIST, by=bob, team_id=ann.team["id"]).status == 200
