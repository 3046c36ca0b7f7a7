from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import db, limits
from slipway.errors import Error

from tests.api import Api
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
METER = "runs_concurrent"


@pytest.fixture
def team(api: Api) -> UUID:
    return uuid_of(api.project().team["id"])


def allow(everything: psycopg.Connection, value: int | None) -> None:
    everything.execute("update plan_limits set value = %s where meter = %s", (value, METER))


def used(everything: psycopg.Connection) -> int:
    row = everything.execute("select coalesce(sum(used), 0) from quotas").fetchone()
    return int(row[0]) if row else 0


def reserve(team: UUID) -> bool:
    try:
        with db.for_team(team) as tx:
            limits.reserve(tx, team, METER)
    except Error as error:
        assert error.code == "limit_reached"
        return False
    return True


def test_a_limit_is_the_plan_s_row_and_none_means_unlimited(team: UUID, everything: psycopg.Connection) -> None:
    with db.for_team(team) as tx:
        found = limits.get(tx, team, METER, "file_bytes", "never heard of")
    assert found == {METER: None, "file_bytes": 4194304, "never heard of": None}


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_parallel_reservations_never_overrun_the_limit(
    team: UUID, everything: psycopg.Connection, in_threads: Callable[..., Any], limit: int
) -> None:
    allow(everything, limit)
    assert in_threads(reserve, [team] * 20).count(True) == limit
    assert used(everything) == limit


def test_without_a_limit_everything_is_counted(team: UUID, everything: psycopg.Connection) -> None:
    assert [reserve(team) for _ in range(5)] == [True] * 5
    assert used(everything) == 5


def test_a_limit_that_was_lowered_below_what_is_in_use_refuses(team: UUID, everything: psycopg.Connection) -> None:
    allow(everything, 3)
    assert [reserve(team) for _ in range(3)] == [True] * 3
    allow(everything, 1)
    assert reserve(team) is False
    with db.for_team(team) as tx:
        limits.release(tx, team, METER, 3)
    assert reserve(team) is True


def test_a_reservation_that_rolls_back_takes_nothing(team: UUID, everything: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), db.for_team(team) as tx:
        limits.reserve(tx, team, METER)
        1 / 0  # noqa: B018
    assert used(everything) == 0


def test_more_is_never_given_back_than_was_taken(team: UUID, everything: psycopg.Connection) -> None:
    reserve(team)
    with db.for_team(team) as tx:
        limits.release(tx, team, METER)
        limits.release(tx, team, METER)
    assert used(everything) == 0


def test_a_refusal_says_which_limit_how_much_and_what_would_help(team: UUID, everything: psycopg.Connection) -> None:
    allow(everything, 1)
    reserve(team)
    with pytest.raises(Error) as caught, db.for_team(team) as tx:
        limits.reserve(tx, team, METER)
    problem = caught.value.problem("/", "")
    assert (problem["status"], problem["limit"], problem["allowed"], problem["used"]) == (429, METER, 1, 1)
    assert problem["resets_at"] is None and "waiting" in problem["allowed_by"]


@pytest.mark.parametrize(("amount", "fits"), [(4194304, True), (4194305, False)])
def test_an_amount_up_to_the_limit_fits(team: UUID, amount: int, fits: bool) -> None:
    with db.for_team(team) as tx:
        if fits:
            limits.check(tx, team, "file_bytes", amount)
        else:
            with pytest.raises(Error, match="too_large"):
                limits.check(tx, team, "file_bytes", amount)


def test_one_team_s_use_is_not_another_s(api: Api, team: UUID, everything: psycopg.Connection) -> None:
    allow(everything, 1)
    other = uuid_of(api.project("Bob").team["id"])
    assert (reserve(team), reserve(other), reserve(team)) == (True, True, False)
