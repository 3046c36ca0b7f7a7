from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import time_machine
from slipway import clock
from slipway.oidc import tickets

from tests.api import Api, Person
from tests.core.mailbox import letters
from tests.core.oidc.issuer import Issuer
from tests.core.oidc.visitor import Visitor

PASSWORD = "correct horse"


def register(api: Api) -> Person:
    """Ann, with a password."""
    made = api.call("POST /v1/auth/register", {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}).json
    return Person(made["access_token"], made["refresh_token"], made["user"])


def verify(everything: psycopg.Connection, email: str) -> None:
    everything.execute("update users set email_verified_at = now() where email = %s", (email,))


def test_who_is_new_gets_an_account_whose_address_is_verified(visitor: Visitor, everything: psycopg.Connection) -> None:
    person = visitor.person()
    assert person.user["email_verified_at"] is not None
    row = everything.execute("select password_hash from users where id = %s", (person.user_id,)).fetchone()
    assert row == (None,)


def test_the_same_identity_is_the_same_user_whatever_its_address_is_now(visitor: Visitor) -> None:
    first = visitor.person()
    again = visitor.person(sub="ann-1", email="new@example.com", email_verified=False)
    assert again.user_id == first.user_id and again.session_id != first.session_id
    assert again.user["email"] == "ann@example.com"


def test_another_issuer_s_same_subject_is_somebody_else(
    api: Api, visitor: Visitor, issuer: Issuer, configure: Callable[[str], None]
) -> None:
    ann = visitor.person()
    other = Issuer()
    try:
        configure(other.setting())
        eve = Visitor(api, other).person(sub="ann-1", email="eve@example.com", email_verified=True)
    finally:
        other.stop()
    assert eve.user_id != ann.user_id


def test_an_address_that_the_provider_does_not_vouch_for_makes_no_account(visitor: Visitor) -> None:
    for claims in ({"email_verified": False}, {}, {"email_verified": "false"}, {"email_verified": 1}):
        refused = visitor.log_in(sub="s", email="ann@example.com", **claims)
        assert (refused.status, refused.json["code"]) == (403, "email_not_verified")
    assert visitor.log_in(sub="s", email_verified=True).json["code"] == "email_not_verified", "no address at all"
    assert visitor.log_in(sub="s", email="ann@example.com", email_verified="true").status == 200


def test_an_account_is_linked_only_when_both_sides_have_verified_the_address(
    api: Api, visitor: Visitor, everything: psycopg.Connection
) -> None:
    """Otherwise who registers somebody's address first, or somebody's provider account, would be let in to it."""
    held = register(api)
    refused = visitor.log_in()
    assert (refused.status, refused.json["code"]) == (409, "account_exists")
    assert "/v1/me/identities" in refused.json["detail"]
    verify(everything, "ann@example.com")
    assert visitor.log_in(sub="e", email="ann@example.com", email_verified=False).json["code"] == "email_not_verified"
    assert letters(everything, "identity_linked") == []
    linked = visitor.person(sub="ann-1", email="ann@example.com", email_verified=True)
    assert linked.user_id == held.user_id
    (letter,) = letters(everything, "identity_linked", "ann@example.com")
    assert "“test”" in letter["text"], "the account's owner hears of it"


def test_an_assertion_is_good_once(visitor: Visitor) -> None:
    assertion = visitor.assertion()
    assert visitor.enter(assertion).status == 200
    refused = visitor.enter(assertion)
    assert (refused.status, refused.json["code"]) == (401, "invalid_assertion")


def test_of_parallel_logins_with_one_assertion_one_succeeds(
    visitor: Visitor, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    assertion = visitor.assertion()
    answers = in_threads(lambda _: visitor.enter(assertion).status, [None] * 4)
    assert sorted(answers) == [200, 401, 401, 401]


def test_parallel_first_logins_of_one_person_make_one_account(
    visitor: Visitor, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    assertions = [visitor.assertion() for _ in range(4)]
    answers = in_threads(visitor.enter, assertions)
    assert [answer.status for answer in answers] == [200] * 4
    assert len({answer.json["user"]["id"] for answer in answers}) == 1
    assert everything.execute("select count(*) from identities").fetchone() == (1,)


def test_a_refused_login_is_not_used_up(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    register(api)
    assertion = visitor.assertion()
    assert visitor.enter(assertion).status == 409
    verify(everything, "ann@example.com")
    assert visitor.enter(assertion).status == 200


def test_an_assertion_is_good_for_a_minute_and_is_ours(visitor: Visitor) -> None:
    assertion = visitor.assertion()
    with time_machine.travel(clock.now().timestamp() + tickets.ASSERTION_SECONDS + 1):
        assert visitor.enter(assertion).json["code"] == "invalid_assertion"
    state = visitor.start().json["state"]
    for wrong in (state, assertion[:-2], "x"):
        assert visitor.enter(wrong).json["code"] == "invalid_assertion"
    assert visitor.enter(assertion).status == 200


def test_neither_token_is_an_access_token(api: Api, visitor: Visitor) -> None:
    for token in (visitor.start().json["state"], visitor.assertion()):
        assert api.call("GET /v1/me", by=token).status == 401


def test_an_account_without_a_password_answers_a_password_login_like_any_other(api: Api, visitor: Visitor) -> None:
    visitor.person()
    answers = [
        api.call("POST /v1/auth/login", {"email": email, "password": PASSWORD}).json
        for email in ("ann@example.com", "nobody@example.com")
    ]
    assert [answer["code"] for answer in answers] == ["invalid_credentials"] * 2
    assert answers[0]["detail"] == answers[1]["detail"]


def test_a_login_is_an_event_of_the_account(api: Api, visitor: Visitor) -> None:
    person = visitor.person()
    events = api.call("GET /v1/me/events", by=person).json["data"]
    actions = [event["action"] for event in events]
    assert {"account.registered", "identity.linked", "session.opened"} <= set(actions)
    assert all("ann-1" not in str(event["details"]) for event in events)
