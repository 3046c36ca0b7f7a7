from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import argon2
import psycopg
import pytest
from slipway import accounts

from tests.api import Api, Person, Response

PASSWORD = "correct horse"


def login(api: Api, email: str, password: str) -> Response:
    return api.call("POST /v1/auth/login", {"email": email, "password": password})


def refresh(api: Api, token: str) -> Response:
    return api.call("POST /v1/auth/refresh", {"refresh_token": token})


def age(everything: psycopg.Connection, seconds: int) -> None:
    """Make every refresh token that was used, used so many seconds earlier."""
    everything.execute("update refresh_tokens set used_at = used_at - make_interval(secs => %s)", (seconds,))


def test_who_registers_is_logged_in(api: Api) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}
    answer = api.call("POST /v1/auth/register", body)
    assert answer.status == 201
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    me = api.call("GET /v1/me", by=answer.json["access_token"]).json
    assert me == answer.json["user"] and me["email"] == "ann@example.com"


def test_an_address_registers_once_however_it_is_written(api: Api) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}
    assert api.call("POST /v1/auth/register", body).status == 201
    again = api.call("POST /v1/auth/register", body | {"email": " Ann@Example.COM "})
    assert (again.status, again.json["code"]) == (409, "email_taken")
    assert login(api, "ANN@EXAMPLE.COM", PASSWORD).status == 200


def test_parallel_registrations_of_one_address_make_one_account(api: Api, in_threads: Callable[..., Any]) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}
    answers = in_threads(lambda _: api.call("POST /v1/auth/register", body).status, [None] * 4)
    assert sorted(answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    "change",
    [
        {"email": "ann"}, {"email": "a@b"}, {"email": "a b@example.com"}, {"email": "a\n@example.com"},
        {"email": "@example.com"}, {"email": "a" * 250 + "@b.de"}, {"password": "short"}, {"password": "x" * 201},
        {"name": ""}, {"name": "   "}, {"name": "a\0b"}, {"name": "x" * 101}, {"admin": True},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_registration_that_is_not_valid_is_422_and_makes_nothing(
    api: Api, everything: psycopg.Connection, change: dict[str, Any]
) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"} | change
    answer = api.call("POST /v1/auth/register", body)
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == f"/body/{next(iter(change))}"
    assert everything.execute("select count(*) from users").fetchone() == (0,)


def test_a_password_is_kept_only_as_argon2id(api: Api, everything: psycopg.Connection) -> None:
    api.register()
    ((kept,),) = everything.execute("select password_hash from users").fetchall()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


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
    assert unknown == accounts._dummy_hash()


def test_the_dummy_s_password_opens_nothing(api: Api) -> None:
    assert login(api, "nobody@example.com", "nobody has this password").status == 401


def test_two_hashes_at_a_time_and_no_more(
    api: Api, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    ann = api.register()
    inside, most, lock = 0, 0, threading.Lock()
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: str) -> Any:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            return verify(self, hash, password)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert in_threads(lambda _: login(api, ann.user["email"], PASSWORD).status, [None] * 6) == [200] * 6
    assert most == 2


def test_a_refresh_token_is_exchanged_for_the_next_pair(api: Api) -> None:
    ann = api.register()
    answer = refresh(api, ann.refresh_token)
    assert answer.status == 200
    assert answer.json["refresh_token"] != ann.refresh_token
    assert api.call("GET /v1/me", by=answer.json["access_token"]).json == ann.user


@pytest.mark.parametrize("token", ["", "slp_rt_guess", "x" * 10_000, "a\0b"], ids=range(4))
def test_a_refresh_token_that_is_none_is_refused(api: Api, token: str) -> None:
    answer = refresh(api, token)
    assert (answer.status, answer.json["code"]) == (401, "invalid_refresh_token")


def test_an_access_token_is_no_refresh_token(api: Api) -> None:
    assert refresh(api, api.register().token).status == 401


def test_a_refresh_token_is_no_access_token(api: Api) -> None:
    assert api.call("GET /v1/me", by=api.register().refresh_token).status == 401


def test_two_tabs_within_the_grace_both_stay_logged_in(api: Api) -> None:
    ann = api.register()
    one, two = refresh(api, ann.refresh_token), refresh(api, ann.refresh_token)
    assert (one.status, two.status) == (200, 200)
    assert refresh(api, one.json["refresh_token"]).status == 200
    assert refresh(api, two.json["refresh_token"]).status == 200


def test_tabs_that_refresh_at_the_same_moment_all_stay_logged_in(api: Api, in_threads: Callable[..., Any]) -> None:
    ann = api.register()
    answers = in_threads(lambda _: refresh(api, ann.refresh_token), [None] * 6)
    assert [a.status for a in answers] == [200] * 6
    assert len({a.json["refresh_token"] for a in answers}) == 6
    assert [refresh(api, a.json["refresh_token"]).status for a in answers] == [200] * 6


def test_reuse_after_the_grace_ends_the_session_of_thief_and_owner(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    child = refresh(api, ann.refresh_token).json["refresh_token"]
    age(everything, accounts.GRACE_SECONDS + 1)
    assert refresh(api, ann.refresh_token).status == 401
    assert refresh(api, child).status == 401


def test_the_grace_ends_when_a_child_was_used(api: Api) -> None:
    ann = api.register()
    child = refresh(api, ann.refresh_token).json["refresh_token"]
    grandchild = refresh(api, child).json["refresh_token"]
    assert refresh(api, ann.refresh_token).status == 401
    assert refresh(api, grandchild).status == 401


def test_a_second_use_within_the_grace_does_not_prolong_it(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    refresh(api, ann.refresh_token)
    age(everything, accounts.GRACE_SECONDS - 2)
    assert refresh(api, ann.refresh_token).status == 200
    age(everything, 3)
    assert refresh(api, ann.refresh_token).status == 401


def test_an_unused_token_is_good_until_the_session_ends(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    everything.execute("update refresh_tokens set created_at = now() - interval '59 days'")
    assert refresh(api, ann.refresh_token).status == 200
    bob = api.register("Bob")
    everything.execute("update sessions set expires_at = now() - interval '1 second'")
    assert refresh(api, bob.refresh_token).status == 401


def test_reuse_ends_only_its_own_session(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    phone = login(api, ann.user["email"], PASSWORD).json["refresh_token"]
    refresh(api, ann.refresh_token)
    age(everything, 11)
    assert refresh(api, ann.refresh_token).status == 401
    assert refresh(api, phone).status == 200


def test_logging_out_ends_this_session_and_no_other(api: Api) -> None:
    ann = api.register()
    phone = login(api, ann.user["email"], PASSWORD).json
    assert api.call("POST /v1/auth/logout", by=ann).status == 204
    assert api.call("POST /v1/auth/logout", by=ann).status == 204
    assert refresh(api, ann.refresh_token).status == 401
    assert refresh(api, phone["refresh_token"]).status == 200


def test_refresh_tokens_are_kept_as_hashes_only(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    kept = json.dumps(everything.execute("select t::text from refresh_tokens t").fetchall())
    assert ann.refresh_token not in kept and ann.refresh_token.removeprefix("slp_rt_") not in kept


def test_an_account_that_is_gone_cannot_use_its_token(api: Api, everything: psycopg.Connection) -> None:
    ann: Person = api.register()
    everything.execute("delete from users")
    answer = api.call("GET /v1/me", by=ann)
    assert (answer.status, answer.json["detail"]) == (401, "This account no longer exists.")
    assert refresh(api, ann.refresh_token).status == 401
