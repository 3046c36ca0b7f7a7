"""Token buckets as a client meets them. That parallel requests cannot overrun them: test_rates_parallel.py."""

from __future__ import annotations

import psycopg
import pytest
from slipway import rate_limits
from slipway.rate_limits import Rate

from tests.api import Api, Person, Response
from tests.core import origins

RATE = "insert into plan_rates (plan, subject, class, burst, per_minute) values ('unlimited', %s, %s, %s, %s)"


def limit(everything: psycopg.Connection, subject: str, class_: str, burst: int, per_minute: int = 1) -> None:
    everything.execute(RATE, (subject, class_, burst, per_minute))


def read(api: Api, person: Person) -> Response:
    return api.call("GET /v1/projects/{project_id}", by=person, project_id=person.project["id"])


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def test_without_limits_nothing_is_said_about_them(api: Api, ann: Person) -> None:
    assert not [name for name in read(api, ann).headers if "ratelimit" in name]


def test_an_answer_says_what_is_left(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 3)
    limit(everything, "team", "read", 10, 60)
    answer = read(api, ann)
    assert answer.headers["ratelimit-policy"] == '"user";q=3;w=180, "team";q=10;w=10'
    assert answer.headers["ratelimit"] == '"user";r=2;t=60'
    assert answer.headers["x-ratelimit-remaining"] == "2"
    assert read(api, ann).headers["x-ratelimit-remaining"] == "1"


def test_an_empty_bucket_is_refused_with_its_figures(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 2, 6)
    assert [read(api, ann).status for _ in range(3)] == [200, 200, 429]
    refused = read(api, ann)
    problem = refused.json
    assert (problem["code"], problem["limit"], problem["allowed"]) == ("too_many_requests", "requests_per_user", 2)
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["x-ratelimit-remaining"] == "0"


def test_a_bucket_fills_again(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 2, 60)
    assert [read(api, ann).status for _ in range(3)] == [200, 200, 429]
    everything.execute("update rate_buckets set filled_at = filled_at - interval '1 second'")
    assert [read(api, ann).status for _ in range(2)] == [200, 429]
    everything.execute("update rate_buckets set filled_at = filled_at - interval '1 hour'")
    assert [read(api, ann).status for _ in range(3)] == [200, 200, 429], "never more than the burst"


def test_reads_and_writes_count_apart(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 1)
    assert [read(api, ann).status for _ in range(2)] == [200, 429]
    assert api.save(ann, "a.txt", b"a").status == 201


def test_a_request_that_fails_has_been_counted_too(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 2)
    key = "GET /v1/projects/{project_id}/files/{path+}"
    assert api.call(key, by=ann, project_id=ann.project["id"], path="nothing").status == 404
    assert [read(api, ann).status for _ in range(2)] == [200, 429]


def test_a_stranger_cannot_use_up_a_team_s_requests(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "team", "read", 2)
    bob = api.register("Bob")
    bob.project = ann.project
    assert {read(api, bob).status for _ in range(5)} == {404}
    assert [read(api, ann).status for _ in range(3)] == [200, 200, 429]


def test_the_refused_take_nothing_from_the_team(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    limit(everything, "user", "read", 1)
    limit(everything, "team", "read", 3)
    assert [read(api, ann).status for _ in range(5)] == [200, 429, 429, 429, 429]
    left = everything.execute("select min(tokens) from rate_buckets where subject = team_id").fetchone()
    assert left
    assert left[0] >= 2


def test_calls_are_counted_for_each_member_of_a_team(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("update rate_buckets set calls = 0")
    for _ in range(3):
        read(api, ann)
    counted = everything.execute("select subject, calls from rate_buckets where calls > 0").fetchall()
    assert counted == [(ann.user_id, 3)]


def test_an_address_is_limited_where_nobody_has_logged_in(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    body = {"email": ann.user["email"], "password": "correct horse"}
    limit(everything, "address", "login", 2)
    assert [api.call("POST /v1/auth/login", body).status for _ in range(3)] == [200, 200, 429]


def test_a_machine_with_many_addresses_is_one(api: Api, everything: psycopg.Connection) -> None:
    limit(everything, "address", "login", 2)
    asked = [
        origins.ask("POST /v1/auth/password/reset-request", {"email": "a@example.com"}, f"2001:db8::{i}") for i in "123"
    ]
    assert [answer.status for answer in asked] == [202, 202, 429]
    assert (
        origins.ask("POST /v1/auth/password/reset-request", {"email": "a@example.com"}, "2001:db8:0:1::1").status == 202
    )


def test_a_window_is_what_fills_the_bucket() -> None:
    assert rate_limits.headers([Rate("user", 1200, 600, 600)])["ratelimit"] == '"user";r=600;t=60'
    assert rate_limits.headers([]) == {}
