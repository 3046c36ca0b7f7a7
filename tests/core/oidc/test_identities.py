from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import psycopg
from slipway import ids

from tests.api import Api, Person, Response
from tests.core.mailbox import letters, token
from tests.core.oidc.visitor import Visitor

PASSWORD = "correct horse"
UNLINK = "DELETE /v1/me/identities/{identity_id}"
BOB = {"sub": "bob-1", "email": "bob@example.com", "email_verified": True}


def register(api: Api, everything: psycopg.Connection) -> Person:
    """Carl, whose address is verified."""
    person = api.register("Carl")
    everything.execute("update users set email_verified_at = now() where id = %s", (person.user_id,))
    return person


def link(api: Api, visitor: Visitor, by: Person, password: str | None = PASSWORD, **claims: Any) -> Response:
    body = {"assertion": visitor.assertion(**claims)} | ({"password": password} if password else {})
    return api.call("POST /v1/me/identities", body, by=by)


def of(api: Api, person: Person) -> list[Any]:
    found: list[Any] = api.call("GET /v1/me/identities", by=person).json["data"]
    return found


def test_a_linked_identity_logs_in_to_the_account_whatever_its_address(
    api: Api, visitor: Visitor, everything: psycopg.Connection
) -> None:
    person = register(api, everything)
    linked = link(api, visitor, person, sub="c-1", email="elsewhere@example.com", email_verified=False)
    assert linked.status == 201
    assert (linked.json["provider"], linked.json["email"]) == ("test", "elsewhere@example.com")
    assert "subject" not in linked.json
    assert of(api, person) == [linked.json]
    assert visitor.person().user_id == person.user_id


def test_linking_asks_for_the_password_and_tells_the_owner(
    api: Api, visitor: Visitor, everything: psycopg.Connection
) -> None:
    """Who finds a session open cannot make a way in of their own."""
    person = register(api, everything)
    for password in (None, "wrong horse"):
        refused = link(api, visitor, person, password)
        assert (refused.status, refused.json["code"]) == (403, "wrong_password")
    assert of(api, person) == [] and letters(everything, "identity_linked") == []
    assert link(api, visitor, person).status == 201
    assert len(letters(everything, "identity_linked", person.user["email"])) == 1


def test_who_has_registered_somebody_else_s_address_cannot_link_an_identity_of_their_own(
    api: Api, visitor: Visitor
) -> None:
    """It would still be there when the address's owner has reset the password."""
    person = api.register("Carl")
    refused = link(api, visitor, person)
    assert (refused.status, refused.json["code"]) == (403, "email_not_verified")
    unsure = link(api, visitor, person, sub="c-1", email=person.user["email"], email_verified=False)
    assert unsure.json["code"] == "email_not_verified"
    assert of(api, person) == []
    assert link(api, visitor, person, sub="c-1", email=person.user["email"], email_verified=True).status == 201


def test_an_account_without_a_password_links_a_second_identity(api: Api, visitor: Visitor) -> None:
    person = visitor.person()
    assert link(api, visitor, person, None, **BOB).status == 201
    assert [i["email"] for i in of(api, person)] == ["bob@example.com", "ann@example.com"]


def test_linking_again_changes_nothing(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    person = register(api, everything)
    first, again = link(api, visitor, person).json, link(api, visitor, person).json
    assert again["id"] == first["id"]
    assert len(letters(everything, "identity_linked")) == 1


def test_an_identity_belongs_to_one_account(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    ann, carl = visitor.person(), register(api, everything)
    refused = link(api, visitor, carl)
    assert (refused.status, refused.json["code"]) == (409, "identity_taken")
    assert visitor.person().user_id == ann.user_id


def test_an_assertion_links_once_and_logs_in_no_more(
    api: Api, visitor: Visitor, everything: psycopg.Connection
) -> None:
    person, assertion = register(api, everything), visitor.assertion()
    body = {"assertion": assertion, "password": PASSWORD}
    assert api.call("POST /v1/me/identities", body, by=person).status == 201
    assert api.call("POST /v1/me/identities", body, by=person).json["code"] == "invalid_assertion"
    assert visitor.enter(assertion).json["code"] == "invalid_assertion"


def test_nobody_sees_or_unlinks_another_s(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    ann, carl = visitor.person(), register(api, everything)
    (identity,) = of(api, ann)
    assert of(api, carl) == []
    for id in (identity["id"], "idn_x", "idn_" + "0" * 26):
        assert api.call(UNLINK, by=carl, identity_id=id).json["code"] == "not_found"
    assert of(api, ann) == [identity]


def test_the_last_way_to_log_in_stays(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    person = visitor.person()
    (identity,) = of(api, person)
    refused = api.call(UNLINK, by=person, identity_id=identity["id"])
    assert (refused.status, refused.json["code"]) == (409, "last_login")
    assert of(api, person) == [identity]
    api.call("POST /v1/auth/password/reset-request", {"email": person.user["email"]})
    body = {"token": token(everything, "reset_password"), "password": PASSWORD}
    assert api.call("POST /v1/auth/password/reset", body).status < 300
    session = api.call("POST /v1/auth/login", {"email": person.user["email"], "password": PASSWORD}).json
    again = Person(session["access_token"], session["refresh_token"], session["user"])
    assert api.call(UNLINK, by=again, identity_id=identity["id"]).status == 204
    assert of(api, again) == []
    assert api.call(UNLINK, by=again, identity_id=identity["id"]).status == 404


def test_an_unlinked_identity_is_nobodys(api: Api, visitor: Visitor) -> None:
    person = visitor.person()
    (identity,) = of(api, person)
    assert link(api, visitor, person, None, **BOB).status == 201
    assert api.call(UNLINK, by=person, identity_id=identity["id"]).status == 204
    stranger = visitor.log_in(sub="ann-1", email="ann2@example.com", email_verified=True)
    assert stranger.json["user"]["id"] != person.user["id"]


def test_of_two_that_remove_the_last_two_one_is_refused(
    api: Api, visitor: Visitor, everything: psycopg.Connection, in_threads: Callable[..., Any]
) -> None:
    person = visitor.person()
    assert link(api, visitor, person, None, **BOB).status == 201
    one, other = [i["id"] for i in of(api, person)]
    everything.execute("begin")  # the first of the two, in the middle of its work
    everything.execute("select from users where id = %s for no key update", (person.user_id,))
    everything.execute("delete from identities where id = %s", (ids.decode("idn", one),))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(in_threads, lambda id: api.call(UNLINK, by=person, identity_id=id).status, [other])
        waits = bool(wait([second], 0.5).not_done)
        everything.execute("commit")
        assert (waits, second.result()) == (True, [409])
    assert [i["id"] for i in of(api, person)] == [other]


def test_an_identity_goes_with_its_account(api: Api, visitor: Visitor, everything: psycopg.Connection) -> None:
    person = visitor.person()
    everything.execute("delete from users where id = %s", (person.user_id,))
    assert everything.execute("select count(*) from identities").fetchone() == (0,)
    assert visitor.person().user_id != person.user_id


def test_used_logins_are_forgotten_when_no_assertion_can_be_of_them(
    visitor: Visitor, everything: psycopg.Connection
) -> None:
    visitor.person()
    everything.execute("select app.expire_oidc_logins()")
    assert everything.execute("select count(*) from oidc_logins").fetchone() == (1,)
    everything.execute("update oidc_logins set taken_at = taken_at - interval '61 minutes'")
    everything.execute("select app.expire_oidc_logins()")
    assert everything.execute("select count(*) from oidc_logins").fetchone() == (0,)
