"""Logging in: what is told, and who must wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import argon2
import psycopg
import pytest
from slipway import passwords

from tests.api import Api, Response
from tests.core.origins import login as login_from

PASSWORD = "correct horse"
HOME, ELSEWHERE = "192.0.2.7", "203.0.113.7"


def login(api: Api, email: str, password: str) -> Response:
    return api.call("POST /v1/auth/login", {"email": email, "password": password})


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(api: Api) -> None:
    ann = api.register()
    wrong, unknown = login(api, ann.user["email"], "wrong password"), login(api, "nobody@example.com", PASSWORD)
    for answer in (wrong, unknown):
        answer.json.pop("request_id")
    same = [{k: v for k, v in a.json.items() if k != "request_id"} for a in (wrong, unknown)]
    assert same[0] == same[1]
    assert (wrong.status, same[0]["code"]) == (401, "invalid_credentials")
    assert set(wrong.headers) == set(unknown.headers)


def test_an_unknown_address_costs_the_same_hash(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = api.register()
    verified: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: str) -> Any:
        verified.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    login(api, ann.user["email"], "wrong password")
    login(api, "nobody@example.com", "wrong password")
    known, unknown = verified
    assert known != unknown
    assert known.split("$")[:4] == unknown.split("$")[:4]  # algorithm, version and cost
    assert unknown == passwords._dummy_hash()


def test_the_dummy_s_password_opens_nothing(api: Api) -> None:
    assert login(api, "nobody@example.com", "nobody has this password").status == 401


def fail(email: str, times: int, address: str = ELSEWHERE, user_agent: str = "") -> list[int]:
    return [login_from(email, "wrong password", address, user_agent).status for _ in range(times)]


def pass_time(everything: psycopg.Connection, seconds: float) -> None:
    everything.execute(
        """update login_attempts set last_at = last_at - make_interval(secs => %(s)s),
                                     not_before = not_before - make_interval(secs => %(s)s)""",
        {"s": seconds},
    )


@pytest.mark.parametrize("known", [True, False])
def test_five_failures_are_free_then_each_one_costs_twice_the_wait(
    api: Api, everything: psycopg.Connection, known: bool
) -> None:
    email = api.register().user["email"] if known else "nobody@example.com"
    assert fail(email, 5) == [401] * 5
    waits = []
    for _ in range(9):
        answer = login_from(email, "wrong password", ELSEWHERE)
        assert (answer.status, answer.json["code"]) == (429, "too_many_requests")
        waits.append(int(answer.headers["retry-after"]))
        assert answer.json["resets_in_seconds"] == waits[-1]
        pass_time(everything, waits[-1])
        assert fail(email, 1) == [401], "after the wait an attempt is let through"
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_right_password_waits_too_and_then_ends_the_count(api: Api, everything: psycopg.Connection) -> None:
    email = api.register().user["email"]
    fail(email, 5)
    assert login_from(email, PASSWORD, ELSEWHERE).status == 429, "or a guess would be told by its speed"
    pass_time(everything, 1)
    assert login_from(email, PASSWORD, ELSEWHERE).status == 200
    assert fail(email, 5) == [401] * 5


def test_a_quarter_of_an_hour_forgets(api: Api, everything: psycopg.Connection) -> None:
    email = api.register().user["email"]
    assert fail(email, 5) == [401] * 5
    pass_time(everything, 15 * 60 + 1)
    assert fail(email, 6) == [401] * 5 + [429]


def test_parallel_guesses_do_not_run_ahead_of_the_count(api: Api, in_threads: Callable[..., Any]) -> None:
    email = api.register().user["email"]
    statuses = in_threads(lambda _: login_from(email, "wrong password", ELSEWHERE).status, [None] * 12)
    assert sorted(statuses) == [401] * 5 + [429] * 7


def test_who_guesses_elsewhere_keeps_nobody_out(api: Api) -> None:
    email = api.register().user["email"]
    assert fail(email, 7)[-1] == 429
    assert login_from(email, PASSWORD, HOME).status == 200


@pytest.mark.parametrize(
    ("one", "neighbour", "status"),
    [
        (ELSEWHERE, "203.0.113.250", 429),
        (ELSEWHERE, "203.0.114.7", 401),
        ("2001:db8:1:2200::1", "2001:db8:1:22ff::9", 429),
        ("2001:db8:1:2200::1", "2001:db8:1:2300::1", 401),
        (ELSEWHERE, f"::ffff:{ELSEWHERE}", 429),
        ("", "", 429),
    ],
)
def test_what_counts_is_the_network_not_the_address(api: Api, one: str, neighbour: str, status: int) -> None:
    fail("nobody@example.com", 5, one)
    assert login_from("nobody@example.com", "wrong password", neighbour).status == status


def test_a_known_device_does_not_wait_for_a_neighbour_s_failures(api: Api) -> None:
    email = api.register().user["email"]
    assert login_from(email, PASSWORD, HOME, "Firefox").status == 200
    assert fail(email, 7, HOME, "curl")[-1] == 429
    assert login_from(email, PASSWORD, HOME, "Firefox").status == 200


def test_a_known_device_waits_for_its_own_failures(api: Api) -> None:
    email = api.register().user["email"]
    assert login_from(email, PASSWORD, HOME, "Firefox").status == 200
    assert fail(email, 7, HOME, "Firefox")[-1] == 429


def test_one_account_s_failures_are_not_another_s(api: Api) -> None:
    ann, bob = api.register().user["email"], api.register("Bob").user["email"]
    fail(ann, 6)
    assert fail(bob, 1) == [401]


def test_a_login_that_waits_is_not_hashed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    email = api.register().user["email"]
    fail(email, 5)
    monkeypatch.setattr(passwords, "matches", lambda *_: pytest.fail("hashed"))
    assert login_from(email, PASSWORD, ELSEWHERE).status == 429


def test_a_password_that_is_changed_meanwhile_opens_no_session(
    api: Api, everything: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = api.register()
    matches = passwords.matches

    def slowly(password_hash: str | None, password: str) -> bool:
        found = matches(password_hash, password)
        everything.execute("update users set password_hash = 'another'")
        return found

    monkeypatch.setattr(passwords, "matches", slowly)
    assert login_from(ann.user["email"], PASSWORD).status == 401
    assert everything.execute("select count(*) from sessions").fetchone() == (1,)


def test_an_address_is_kept_as_its_hash_only(api: Api, everything: psycopg.Connection) -> None:
    fail("somebody@example.com", 1)
    kept = str(everything.execute("select a::text from login_attempts a").fetchall())
    assert "203.0.113.0/24" in kept and "somebody" not in kept


def test_the_statements_are_the_same_for_known_and_unknown_addresses(
    api: Api, round_trips: Callable[[], list[str]]
) -> None:
    email = api.register().user["email"]
    round_trips()
    assert fail(email, 1) == [401]
    known = round_trips()
    assert fail("nobody@example.com", 1) == [401]
    assert round_trips() == known and any("begin_login" in text for text in known)
