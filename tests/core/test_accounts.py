"""Registering, openly and by letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import inquiries, settings

from tests.api import Api, Response
from tests.core.mailbox import letters, quiet, token
from tests.core.origins import ask, login

PASSWORD = "correct horse"
ACCEPTED = inquiries.Accepted().model_dump_json().encode()
REGISTER = "POST /v1/auth/register"
CONFIRM = "POST /v1/auth/register/confirm"
ANN = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}


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
    assert login("ANN@EXAMPLE.COM", PASSWORD).status == 200


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


def test_who_asks_for_one_taken_address_after_the_other_must_wait(api: Api) -> None:
    """Open registration tells; it does not tell quickly."""
    api.call(REGISTER, ANN)
    answers = [ask(REGISTER, ANN, "198.51.100.9") for _ in range(6)]
    assert [a.status for a in answers] == [409] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert ask(REGISTER, ANN | {"email": "new@example.com"}, "198.51.100.200").status == 429  # the same network
    assert ask(REGISTER, ANN | {"email": "new@example.com"}, "203.0.113.9").status == 201


# ── By letter only ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def confirmed(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "confirmed")
    settings.reset()


def without_id(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.usefixtures("confirmed")
def test_a_taken_address_and_a_new_one_get_the_same_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch, everything: psycopg.Connection
) -> None:
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "open")
    settings.reset()
    taken = api.register().user["email"]
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "confirmed")
    settings.reset()
    answers = [api.call(REGISTER, ANN | {"email": email}) for email in (taken, "new@example.com", taken)]
    assert [(a.status, a.content) for a in answers] == [(202, ACCEPTED)] * 3
    assert without_id(answers[0]) == without_id(answers[1]) == without_id(answers[2])
    assert everything.execute("select count(*) from users").fetchone() == (1,)


@pytest.mark.usefixtures("confirmed")
def test_the_same_statements_run_for_every_address(
    api: Api, monkeypatch: pytest.MonkeyPatch, round_trips: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "open")
    settings.reset()
    taken = api.register().user["email"]
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "confirmed")
    settings.reset()
    round_trips()
    api.call(REGISTER, ANN | {"email": taken})
    known = round_trips()
    api.call(REGISTER, ANN | {"email": "new@example.com"})
    assert round_trips() == known
    assert any("insert into outbox" in text for text in known), "the control: statements are seen"


@pytest.mark.usefixtures("confirmed")
def test_the_letter_s_link_finishes_the_registration(api: Api, everything: psycopg.Connection) -> None:
    assert api.call(REGISTER, ANN).status == 202
    link = token(everything, "confirm_registration", "ann@example.com")
    made = api.call(CONFIRM, {"token": link, "password": "another horse"})
    assert (made.status, made.json["user"]["email"], made.json["user"]["name"]) == (201, "ann@example.com", "Ann")
    assert made.json["user"]["email_verified_at"]
    assert api.call("GET /v1/me", by=made.json["access_token"]).status == 200
    assert (login("ann@example.com", "another horse").status, login("ann@example.com", PASSWORD).status) == (200, 401)
    again = api.call(CONFIRM, {"token": link, "password": "third horses"})
    assert (again.status, again.json["code"]) == (401, "invalid_token")


@pytest.mark.usefixtures("confirmed")
def test_nothing_of_a_password_is_kept_before_the_letter_is_opened(api: Api, everything: psycopg.Connection) -> None:
    api.call(REGISTER, ANN)
    letters(everything)
    kept = json.dumps(everything.execute("select r::text from registrations r").fetchall())
    assert "ann@example.com" in kept and "argon2" not in kept and PASSWORD not in kept


@pytest.mark.usefixtures("confirmed")
def test_a_new_letter_ends_the_older_link_and_none_comes_at_once(api: Api, everything: psycopg.Connection) -> None:
    api.call(REGISTER, ANN)
    first = token(everything, "confirm_registration")
    api.call(REGISTER, ANN)
    assert len(letters(everything)) == 1, "a letter is on its way already"
    quiet(everything)
    api.call(REGISTER, ANN)
    second = token(everything, "confirm_registration")
    assert api.call(CONFIRM, {"token": first, "password": PASSWORD}).status == 401
    assert api.call(CONFIRM, {"token": second, "password": PASSWORD}).status == 201


@pytest.mark.usefixtures("confirmed")
def test_a_link_is_good_for_two_days(api: Api, everything: psycopg.Connection) -> None:
    api.call(REGISTER, ANN)
    link = token(everything, "confirm_registration")
    everything.execute("update registrations set expires_at = expires_at - interval '49 hours'")
    assert api.call(CONFIRM, {"token": link, "password": PASSWORD}).status == 401


@pytest.mark.usefixtures("confirmed")
def test_the_owner_of_a_taken_address_hears_of_it_once_a_day(
    api: Api, monkeypatch: pytest.MonkeyPatch, everything: psycopg.Connection
) -> None:
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "open")
    settings.reset()
    api.call(REGISTER, ANN)
    monkeypatch.setenv("SLIPWAY_REGISTRATION", "confirmed")
    settings.reset()
    for _ in range(3):
        api.call(REGISTER, ANN | {"name": "Eve"})
    (letter,) = letters(everything, "email_taken")
    assert letters(everything, "confirm_registration") == []
    assert letter["to"] == "ann@example.com" and "Eve" not in letter["text"]
    quiet(everything, 24 * 3600 + 1)
    api.call(REGISTER, ANN)
    assert len(letters(everything, "email_taken")) == 2


@pytest.mark.usefixtures("confirmed")
def test_parallel_confirmations_make_one_account(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    api.call(REGISTER, ANN)
    body = {"token": token(everything, "confirm_registration"), "password": PASSWORD}
    statuses = in_threads(lambda _: api.call(CONFIRM, body).status, [None] * 4)
    assert sorted(statuses) == [201, 401, 401, 401]


@pytest.mark.parametrize(
    ("stage", "registration", "status"),
    [("local", "", 201), ("prod", "", 202), ("prod", "open", 201), ("local", "confirmed", 202)],
)
def test_one_machine_is_open_and_a_deployment_is_not_unless_it_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch, stage: str, registration: str, status: int
) -> None:
    monkeypatch.setenv("SLIPWAY_STAGE", stage)
    monkeypatch.setenv("SLIPWAY_REGISTRATION", registration)
    settings.reset()
    assert api.call(REGISTER, ANN).status == status
