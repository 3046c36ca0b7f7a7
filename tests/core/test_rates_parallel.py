"""A rate limit is one statement: however many requests arrive at once, a bucket gives what it has."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest
from slipway import db
from slipway.caller import from_context
from slipway.errors import Error

from tests.api import Api, Person
from tests.core.test_quotas_parallel import TRIES, each_in_a_thread

pytestmark = pytest.mark.usefixtures("granted")
BURST = 10


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def allow(everything: psycopg.Connection, subject: str) -> None:
    """A burst, and a refill of one in a minute: none within the test."""
    everything.execute(
        """insert into plan_rates (plan, subject, class, burst, per_minute) values ('unlimited', %s, 'test', %s, 1)
           on conflict (plan, class, subject) do update set burst = excluded.burst""",
        (subject, BURST),
    )


@pytest.mark.parametrize("subject", ["user", "team"])
def test_five_hundred_requests_at_once_get_exactly_the_burst(
    ann: Person, everything: psycopg.Connection, subject: str
) -> None:
    allow(everything, subject)
    caller, team = from_context(ann.context), ann.team_id

    def ask(_: int) -> str:
        try:
            with db.transaction(caller, "team", team, "test"):
                return "admitted"
        except Error as error:
            return error.code

    assert Counter(each_in_a_thread(ask, TRIES)) == {"admitted": BURST, "too_many_requests": TRIES - BURST}


def test_five_hundred_logins_at_once_from_one_address_get_exactly_the_burst(
    api: Api, everything: psycopg.Connection
) -> None:
    allow(everything, "address")

    def ask(_: int) -> str:
        try:
            db.admit("192.0.2.1", "test")
        except Error as error:
            return error.code
        return "admitted"

    assert Counter(each_in_a_thread(ask, TRIES)) == {"admitted": BURST, "too_many_requests": TRIES - BURST}


def test_a_bucket_that_refuses_takes_nothing_of_the_others(ann: Person, everything: psycopg.Connection) -> None:
    """The team's is empty: the user's must not run dry over it."""
    for subject in ("user", "team"):
        allow(everything, subject)
    everything.execute("update plan_rates set burst = 3 where class = 'test' and subject = 'team'")
    caller, team = from_context(ann.context), ann.team_id

    def ask(_: int) -> Any:
        try:
            with db.transaction(caller, "team", team, "test"):
                return "admitted"
        except Error as error:
            return error.fields["limit"]

    assert Counter(each_in_a_thread(ask, 100)) == {"admitted": 3, "requests_per_team": 97}
    tokens = everything.execute(
        "select tokens from rate_buckets where subject = %s and class = 'test'", (ann.user_id,)
    ).fetchone()
    assert tokens and BURST - 3 <= tokens[0] < BURST - 2
