from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from slipway import db, limits
from slipway.errors import Error

from tests.api import Api
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")


@pytest.fixture
def team(api: Api) -> UUID:
    return uuid_of(api.project().team["id"])


def get(team: UUID, *meters: str) -> dict[str, int | None]:
    with db.for_team(team) as tx:
        return limits.get(tx, team, *meters)


def override(everything: psycopg.Connection, team: UUID, value: int | None, begins: str, ends: str | None) -> None:
    everything.execute(
        """insert into team_overrides (team_id, meter, effective_from, effective_to, value, reason)
           values (%s, 'file_bytes', now() + %s::interval, now() + %s::interval, %s, 'a test')""",
        (team, begins, ends, value),
    )


def test_a_limit_is_the_plan_s_row_and_none_means_unlimited(team: UUID) -> None:
    found = get(team, "runs_concurrent", "file_bytes", "never_heard_of")
    assert found == {"runs_concurrent": None, "file_bytes": 4194304, "never_heard_of": None}


def test_a_figure_that_changes_tomorrow_leaves_today_s(team: UUID, everything: psycopg.Connection) -> None:
    where = "where plan = 'unlimited' and meter = 'file_bytes'"
    everything.execute(f"update plan_limits set effective_to = now() + interval '1 day' {where}")
    everything.execute(
        """insert into plan_limits (plan, meter, value, period, effective_from)
           values ('unlimited', 'file_bytes', 5, 'each', now() + interval '1 day')"""
    )
    assert get(team, "file_bytes") == {"file_bytes": 4194304}
    everything.execute(
        f"""update plan_limits set effective_from = effective_from - interval '25 hours',
                   effective_to = effective_to - interval '25 hours' {where}"""
    )
    assert get(team, "file_bytes") == {"file_bytes": 5}


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        ("-1 hour", None, 7),
        ("-1 hour", "1 hour", 7),
        ("-2 hours", "-1 hour", 4194304),
        ("1 hour", None, 4194304),
    ],
)
def test_an_override_goes_before_the_plan_while_it_holds(
    team: UUID, everything: psycopg.Connection, begins: str, ends: str | None, expected: int
) -> None:
    override(everything, team, 7, begins, ends)
    assert get(team, "file_bytes") == {"file_bytes": expected}


def test_an_override_can_take_a_limit_away(team: UUID, everything: psycopg.Connection) -> None:
    override(everything, team, None, "-1 hour", None)
    assert get(team, "file_bytes") == {"file_bytes": None}


def test_an_override_is_one_team_s(api: Api, team: UUID, everything: psycopg.Connection) -> None:
    override(everything, team, 7, "-1 hour", None)
    assert get(uuid_of(api.project("Bob").team["id"]), "file_bytes") == {"file_bytes": 4194304}


@pytest.mark.parametrize(("amount", "fits"), [(4194304, True), (4194305, False)])
def test_an_amount_up_to_the_limit_fits(team: UUID, amount: int, fits: bool) -> None:
    with db.for_team(team) as tx:
        if fits:
            limits.check(tx, team, "file_bytes", amount)
        else:
            with pytest.raises(Error, match="too_large"):
                limits.check(tx, team, "file_bytes", amount)


def test_a_refusal_says_which_limit_how_much_and_which_plan_allows_it(
    team: UUID, everything: psycopg.Connection
) -> None:
    everything.execute("update team_plans set plan = 'free' where team_id = %s", (team,))
    with pytest.raises(Error) as caught, db.for_team(team) as tx:
        limits.check(tx, team, "run_wall_seconds", 301)
    problem = caught.value.problem("/", "")
    said = {name: problem[name] for name in ("status", "limit", "allowed", "used", "resets_at", "plan", "allowed_by")}
    assert said == {
        "status": 413, "limit": "run_wall_seconds", "allowed": 60, "used": 301, "resets_at": None, "plan": "free",
        "allowed_by": "Pro (149.00 USD a month)",
    }  # fmt: skip
