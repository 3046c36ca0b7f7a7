"""Verifying an address, and changing it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from slipway import inquiries

from tests.api import Api, Person, Response
from tests.core.mailbox import letters, quiet, token
from tests.core.origins import login

PASSWORD = "correct horse"
ACCEPTED = inquiries.Accepted().model_dump_json().encode()
VERIFY = "POST /v1/auth/verify-email"
RESEND = "POST /v1/auth/verify-email/resend"
CHANGE = "POST /v1/me/email"


def verify(api: Api, link: str) -> Response:
    return api.call(VERIFY, {"token": link})


def change(api: Api, person: Person, email: str, password: str = PASSWORD) -> Response:
    return api.call(CHANGE, {"email": email, "password": password}, by=person)


@pytest.fixture
def ann(api: Api) -> Person:
    return api.register()


def test_registering_sends_a_letter_whose_link_verifies_the_address(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    assert ann.user["email_verified_at"] is None
    link = token(everything, "verify_email", ann.user["email"])
    answer = verify(api, link)
    assert answer.status == 200 and answer.json["email_verified_at"]
    assert api.call("GET /v1/me", by=ann).json == answer.json
    again = verify(api, link)
    assert (again.status, again.json["code"]) == (401, "invalid_token")


def test_who_has_not_verified_can_work(api: Api) -> None:
    ann = api.project()
    assert ann.user["email_verified_at"] is None
    assert api.save(ann, "main.py", b"1").status == 201


def test_asking_again_sends_a_new_link_and_ends_the_old_one(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    first = token(everything, "verify_email")
    assert api.call(RESEND, by=ann).status == 202
    assert len(letters(everything)) == 1, "not within a minute"
    quiet(everything, 61)
    assert api.call(RESEND, by=ann).status == 202
    second = token(everything, "verify_email")
    assert (verify(api, first).status, verify(api, second).status) == (401, 200)
    quiet(everything)
    assert api.call(RESEND, by=ann).status == 202
    assert len(letters(everything)) == 2, "there is nothing to verify any more"


def test_a_link_is_good_for_two_days(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    link = token(everything, "verify_email")
    everything.execute("update email_tokens set expires_at = expires_at - interval '48 hours'")
    assert verify(api, link).status == 401


def test_a_reset_link_verifies_nothing_and_stays_good(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    api.call("POST /v1/auth/password/reset-request", {"email": ann.user["email"]})
    link = token(everything, "reset_password")
    assert verify(api, link).status == 401
    assert api.call("POST /v1/auth/password/reset", {"token": link, "password": "new password"}).status == 204


def test_an_address_changes_when_the_letter_to_the_new_one_is_opened(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    assert change(api, ann, "New@Example.com").status == 202
    link = token(everything, "change_email", "new@example.com")
    assert api.call("GET /v1/me", by=ann).json["email"] == ann.user["email"], "not before"
    answer = verify(api, link)
    assert (answer.status, answer.json["email"]) == (200, "new@example.com")
    assert answer.json["email_verified_at"]
    assert (login("new@example.com", PASSWORD).status, login(ann.user["email"], PASSWORD).status) == (200, 401)
    (notice,) = letters(everything, "email_changed")
    assert notice["to"] == ann.user["email"] and "new@example.com" not in notice["text"]


def test_the_old_address_s_links_end_with_it(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    first = token(everything, "verify_email")
    api.call("POST /v1/auth/password/reset-request", {"email": ann.user["email"]})
    reset = token(everything, "reset_password")
    change(api, ann, "new@example.com")
    verify(api, token(everything, "change_email"))
    assert verify(api, first).status == 401
    assert api.call("POST /v1/auth/password/reset", {"token": reset, "password": "new password"}).status == 401


def test_a_change_asks_for_the_password(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    refused = change(api, ann, "new@example.com", "wrong horse")
    assert (refused.status, refused.json["code"]) == (403, "wrong_password")
    assert letters(everything, "change_email") == []


def test_a_taken_address_is_not_told_to_who_wants_it_but_to_its_owner(
    api: Api, ann: Person, everything: psycopg.Connection, round_trips: Callable[[], list[str]]
) -> None:
    bob = api.register("Bob")
    round_trips()
    taken, for_taken = change(api, ann, bob.user["email"]), round_trips()
    free, for_free = change(api, ann, "free@example.com"), round_trips()
    assert (taken.status, taken.content) == (free.status, free.content) == (202, ACCEPTED)
    assert [text for text in for_taken if not text.startswith("begin")] == [
        text for text in for_free if not text.startswith("begin")
    ]
    assert [letter["to"] for letter in letters(everything, "email_taken")] == [bob.user["email"]]
    assert [letter["to"] for letter in letters(everything, "change_email")] == ["free@example.com"]


def test_who_registers_the_new_address_first_keeps_it(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    change(api, ann, "new@example.com")
    link = token(everything, "change_email")
    body = {"email": "new@example.com", "password": PASSWORD, "name": "New"}
    assert api.call("POST /v1/auth/register", body).status == 201
    refused = verify(api, link)
    assert (refused.status, refused.json["code"]) == (409, "email_taken")
    assert api.call("GET /v1/me", by=ann).json["email"] == ann.user["email"]


def test_a_name_is_changed_and_nothing_else(api: Api, ann: Person) -> None:
    answer = api.call("PATCH /v1/me", {"name": "Anna"}, by=ann)
    assert answer.json == ann.user | {"name": "Anna"}
    assert api.call("PATCH /v1/me", {}, by=ann).json["name"] == "Anna"
    assert api.call("PATCH /v1/me", {"email": "x@example.com"}, by=ann).status == 422
