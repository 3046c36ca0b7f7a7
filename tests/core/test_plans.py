from __future__ import annotations

from itertools import pairwise

import psycopg
import pytest
from slipway import capabilities, migrate, plans, settings

from stacks.local.machine import Machine
from tests.api import Api, routes

LIST = "GET /v1/plans"
TIERED = ["free", "starter", "pro", "enterprise"]


def tiered(everything: psycopg.Connection) -> None:
    everything.execute("update platform set default_plan = 'free'")


def test_an_install_of_one_s_own_shows_its_own_plan(api: Api) -> None:
    listed = api.call(LIST).json
    assert [plan["name"] for plan in listed["data"]] == ["unlimited"] and listed["has_more"] is False
    assert listed["data"][0]["prices"] == []


def test_an_install_that_sells_plans_shows_those_with_prices_in_cents(api: Api, everything: psycopg.Connection) -> None:
    tiered(everything)
    listed = api.call(LIST).json["data"]
    assert [plan["name"] for plan in listed] == TIERED
    assert [plan["prices"] for plan in listed] == [
        [{"currency": "USD", "amount": 0, "interval": "month"}],
        [{"currency": "USD", "amount": 4900, "interval": "month"}],
        [{"currency": "USD", "amount": 14900, "interval": "month"}],
        [],
    ]
    limits = {limit["meter"]: limit for limit in listed[0]["limits"]}
    assert limits["agent_minutes"] == {"meter": "agent_minutes", "value": 10000, "period": "month", "hard": True}


def test_a_price_that_begins_tomorrow_is_not_shown_today(api: Api, everything: psycopg.Connection) -> None:
    tiered(everything)
    everything.execute(
        """insert into plan_prices (plan, currency, interval, amount, effective_from)
           values ('pro', 'EUR', 'month', 1, now() + interval '1 day')"""
    )
    assert [price["currency"] for price in api.call(LIST).json["data"][2]["prices"]] == ["USD"]


def test_every_plan_names_every_meter_and_no_plan_allows_less_than_a_cheaper_one(
    everything: psycopg.Connection,
) -> None:
    query = "select plan, meter, value from plan_limits"
    values: dict[str, dict[str, int | None]] = {}
    for plan, meter, value in everything.execute(query):
        values.setdefault(plan, {})[meter] = value
    assert {frozenset(meters) for meters in values.values()} == {frozenset(values["free"])}
    for cheap, dear in pairwise(TIERED):
        for meter, value in values[dear].items():
            less = values[cheap][meter]
            assert value is None or (less is not None and less <= value), (dear, meter)


def test_a_meter_has_one_period_in_all_plans(everything: psycopg.Connection) -> None:
    query = "select meter from plan_limits group by 1 having count(distinct period) > 1"
    assert everything.execute(query).fetchall() == []


def test_every_tiered_plan_limits_every_class_of_requests_and_the_unlimited_one_none(
    everything: psycopg.Connection,
) -> None:
    rows = everything.execute("select plan, class, subject from plan_rates where class <> 'password'").fetchall()
    subjects = {
        plan: {(kind, subject) for name, kind, subject in rows if name == plan} for plan in (*TIERED, "unlimited")
    }
    counted = {(c, s) for c in ("read", "write", "message", "run", "invite") for s in ("user", "key", "team")}
    assert all(subjects[plan] == counted | {("login", "address")} for plan in TIERED)
    assert subjects["unlimited"] == set()


def test_every_class_that_a_route_counts_in_has_a_limit_on_a_tiered_plan(everything: psycopg.Connection) -> None:
    rows = everything.execute("select class, subject from plan_rates where plan = 'free'").fetchall()
    counted = {
        (r.spec.rate, "address" if r.spec.allow == "public" else "user") for r in routes().values() if r.spec.rate
    }
    assert ("login", "address") in counted and ("read", "user") in counted
    assert counted <= set(rows), "a class without a row is unlimited: name one that plan_rates has"


@pytest.mark.parametrize(("setting", "plan"), [("tiered", "free"), ("unlimited", "unlimited")])
def test_the_setting_decides_at_the_deploy_what_new_teams_get(
    api: Api, machine: Machine, monkeypatch: pytest.MonkeyPatch, setting: str, plan: str
) -> None:
    monkeypatch.setenv("SLIPWAY_PLANS", setting)
    settings.reset()
    before = api.project()
    with capabilities.granting("test", (capabilities.MIGRATIONS,)):
        migrate.publish_plans(machine.owner_url)
    path = {"team_id": before.team["id"]}
    assert api.call("GET /v1/teams/{team_id}", by=before, **path).json["plan"] == "unlimited", "who has a plan keeps it"
    assert api.project("Bob").team["plan"] == plan


def test_a_setting_that_is_no_word_is_refused_with_the_words(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_PLANS", "gold")
    settings.reset()
    with pytest.raises(plans.BadSetting, match="choose one of unlimited, tiered"):
        migrate.publish_plans(machine.owner_url)
