"""Changing and resetting a password, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import ids, inquiries

from tests.api import Api, Person, Response
from tests.core import keyring
from tests.core.mailbox import letters, quiet, token
from tests.core.origins import login

PASSWORD, NEW = "correct horse", "battery staple"
ACCEPTED = inquiries.Accepted().model_dump_json().encode()
REQUEST = "POST /v1/auth/password/reset-request"
RESET = "POST /v1/auth/password/reset"
CHANGE = "POST /v1/me/password"


def change(api: Api, person: Person, current: str = PASSWORD, new: str = NEW) -> Response:
    return api.call(CHANGE, {"current_password": current, "new_password": new}, by=person)


def ask(api: Api, email: str) -> Response:
    return api.call(REQUEST, {"email": email})


def reset(api: Api, link: str, password: str = NEW) -> Response:
    return api.call(RESET, {"token": link, "password": password})


@pytest.fixture
def ann(api: Api) -> Person:
    return api.register()


def test_a_changed_password_is_the_only_one_and_ends_every_other_session(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    phone = login(ann.user["email"], PASSWORD).json["access_token"]
    assert change(api, ann).status == 204
    assert (login(ann.user["email"], PASSWORD).status, login(ann.user["email"], NEW).status) == (401, 200)
    assert (api.call("GET /v1/me", by=ann).status, api.call("GET /v1/me", by=phone).status) == (200, 401)
    (letter,) = letters(everything, "password_changed")
    assert letter["to"] == ann.user["email"]


def test_the_current_password_is_asked_and_a_wrong_one_changes_nothing(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    refused = change(api, ann, current="wrong horse")
    assert (refused.status, refused.json["code"]) == (403, "wrong_password")
    assert login(ann.user["email"], PASSWORD).status == 200
    assert letters(everything, "password_changed") == []


def test_who_found_an_open_session_cannot_guess_the_password(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute(
        """insert into plan_rates values ('unlimited', 'user', 'password', 20, 5)
           on conflict do nothing"""
    )
    statuses = [change(api, ann, current="wrong horse").status for _ in range(21)]
    assert statuses == [403] * 20 + [429]
    other = api.call("DELETE /v1/me", {"password": "wrong horse"}, by=ann)
    assert other.status == 429, "one bucket for all that ask for the password"
    assert api.call("GET /v1/me", by=ann).status == 200


def test_passwords_are_never_kept_for_a_retry(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert api.call(CHANGE, body, by=ann, headers={"Idempotency-Key": "k"}).status == 204
    assert everything.execute("select count(*) from idempotency_keys").fetchone() == (0,)


# ── Reset ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_letter_s_link_sets_a_new_password_and_ends_every_session(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    assert ask(api, ann.user["email"].upper()).status == 202
    link = token(everything, "reset_password", ann.user["email"])
    assert reset(api, link).status == 204
    assert (login(ann.user["email"], PASSWORD).status, login(ann.user["email"], NEW).status) == (401, 200)
    assert api.call("GET /v1/me", by=ann).status == 401
    assert [letter["to"] for letter in letters(everything, "password_changed")] == [ann.user["email"]]


def test_a_reset_verifies_the_address_and_puts_out_who_had_registered_it_for_another(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    ask(api, ann.user["email"])
    reset(api, token(everything, "reset_password"))
    assert login(ann.user["email"], NEW).json["user"]["email_verified_at"]


def test_known_and_unknown_addresses_get_the_same_answer_after_the_same_statements(
    api: Api, ann: Person, round_trips: Callable[[], list[str]], everything: psycopg.Connection
) -> None:
    round_trips()
    known, said_to_known = ask(api, ann.user["email"]), round_trips()
    unknown, said_to_unknown = ask(api, "nobody@example.com"), round_trips()
    assert (known.status, known.content) == (unknown.status, unknown.content) == (202, ACCEPTED)
    assert known.headers.keys() == unknown.headers.keys()
    assert said_to_known == said_to_unknown and any("insert into outbox" in text for text in said_to_known)
    assert [letter["to"] for letter in letters(everything, "reset_password")] == [ann.user["email"]]


def test_a_link_works_once(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    ask(api, ann.user["email"])
    link = token(everything, "reset_password")
    assert reset(api, link).status == 204
    again = reset(api, link, "a third one")
    assert (again.status, again.json["code"]) == (401, "invalid_token")


def test_a_link_works_once_also_in_parallel(
    api: Api, ann: Person, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    ask(api, ann.user["email"])
    link = token(everything, "reset_password")
    statuses = in_threads(lambda n: reset(api, link, f"password {n}").status, [1, 2, 3, 4])
    assert sorted(statuses) == [204, 401, 401, 401]


def test_a_link_is_good_for_an_hour(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    ask(api, ann.user["email"])
    link = token(everything, "reset_password")
    everything.execute("update email_tokens set expires_at = expires_at - interval '59 minutes' where kind = 'reset'")
    everything.execute("update email_tokens set expires_at = expires_at - interval '1 minute' where kind = 'reset'")
    assert reset(api, link).status == 401


def test_a_new_link_ends_the_old_one_and_comes_at_most_once_a_minute(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    ask(api, ann.user["email"])
    first = token(everything, "reset_password")
    ask(api, ann.user["email"])
    assert len(letters(everything, "reset_password")) == 1
    quiet(everything, 61)
    ask(api, ann.user["email"])
    second = token(everything, "reset_password")
    assert (reset(api, first).status, reset(api, second).status) == (401, 204)


def test_a_link_is_bound_to_the_address_that_it_was_sent_to(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    ask(api, ann.user["email"])
    link = token(everything, "reset_password")
    everything.execute("update users set email = 'moved@example.com'")
    assert reset(api, link).status == 401
    assert login("moved@example.com", PASSWORD).status == 200


@pytest.mark.parametrize("link", ["x", "slp_et_" + "x" * 43, "a\0b"])
def test_a_token_that_is_none_resets_nothing(api: Api, link: str) -> None:
    assert (reset(api, link).status, reset(api, link).json["code"]) == (401, "invalid_token")


def test_a_message_that_comes_twice_or_late_sends_one_letter(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    from tests.core.backstage import deliver

    old, new = ids.new(), ids.new()
    for id in (new, new, old):
        assert deliver("inquiries", {"id": str(id), "kind": "reset", "email": ann.user["email"]}) == []
        quiet(everything, 61)
    assert len(letters(everything, "reset_password")) == 1


def test_tokens_are_kept_as_hashes_only(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    ask(api, ann.user["email"])
    link = token(everything, "reset_password")
    kept = str(everything.execute("select t::text from email_tokens t").fetchall())
    assert ann.user["email"] in kept and link not in kept and link.removeprefix("slp_et_") not in kept


@pytest.mark.parametrize("way", ["change", "reset"])
def test_a_letter_that_was_asked_for_with_the_old_password_moves_the_account_nowhere(
    api: Api, ann: Person, everything: psycopg.Connection, way: str
) -> None:
    asked = {"email": "eve@example.net", "password": PASSWORD}
    assert api.call("POST /v1/me/email", asked, by=ann).status == 202
    moving = token(everything, "change_email", "eve@example.net")
    if way == "change":
        assert change(api, ann).status == 204
    else:
        ask(api, ann.user["email"])
        assert reset(api, token(everything, "reset_password")).status == 204
    refused = api.call("POST /v1/auth/verify-email", {"token": moving})
    assert (refused.status, refused.json["code"]) == (401, "invalid_token")
    assert login(ann.user["email"], NEW).status == 200


def test_a_letter_that_would_verify_the_address_outlives_a_change_of_the_password(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    link = token(everything, "verify_email")
    assert change(api, ann).status == 204
    assert api.call("POST /v1/auth/verify-email", {"token": link}).status == 200


def test_who_registered_an_address_without_having_it_keeps_no_key_to_the_account(
    api: Api, everything: psycopg.Connection
) -> None:
    eve = api.project("Eve")
    key = keyring.make(api, eve)["secret"]
    assert api.call("GET /v1/me", by=key).status == 200
    ask(api, eve.user["email"])
    assert reset(api, token(everything, "reset_password")).status == 204
    assert api.call("GET /v1/me", by=key).status == 401
    used = everything.execute("select used from quota_usage where meter = 'api_keys'").fetchall()
    assert used == [(0,)]


def test_a_key_outlives_a_forgotten_password(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    assert api.call("POST /v1/auth/verify-email", {"token": token(everything, "verify_email")}).status == 200
    key = keyring.make(api, ann)["secret"]
    ask(api, ann.user["email"])
    assert reset(api, token(everything, "reset_password")).status == 204
    assert api.call("GET /v1/me", by=key).status == 200
