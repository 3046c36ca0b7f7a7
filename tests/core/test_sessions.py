"""Sessions: refreshing, listing and ending them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from slipway import ids, sessions

from tests.api import Api, Person, Response
from tests.core.backstage import say
from tests.core.origins import ask
from tests.core.origins import login as login_from

PASSWORD = "correct horse"


def login(api: Api, email: str, password: str) -> Response:
    return api.call("POST /v1/auth/login", {"email": email, "password": password})


def another(api: Api, person: Person, address: str = "192.0.2.7", user_agent: str = "") -> Person:
    """The same person on another device."""
    made = login_from(person.user["email"], PASSWORD, address, user_agent).json
    return Person(made["access_token"], made["refresh_token"], made["user"])


def refresh(api: Api, token: str) -> Response:
    return api.call("POST /v1/auth/refresh", {"refresh_token": token})


def age(everything: psycopg.Connection, seconds: int) -> None:
    """Make every refresh token that was used, used so many seconds earlier."""
    everything.execute("update refresh_tokens set used_at = used_at - make_interval(secs => %s)", (seconds,))


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
    age(everything, sessions.GRACE_SECONDS + 1)
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
    age(everything, sessions.GRACE_SECONDS - 2)
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
    assert api.call("POST /v1/auth/logout", by=ann).status == 401
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
    assert (answer.status, answer.json["detail"]) == (401, "This session has ended: log in again.")
    assert refresh(api, ann.refresh_token).status == 401


# ── One's own sessions ───────────────────────────────────────────────────────────────────────────────────────────


def listed(api: Api, person: Person, **query: Any) -> Any:
    return api.call("GET /v1/me/sessions", by=person, query=query).json


def test_a_person_sees_their_sessions_newest_first_and_which_one_asks(api: Api) -> None:
    ann = api.register()
    phone = another(api, ann, "198.51.100.4", "a phone")
    api.register("Bob")
    first, second = listed(api, ann)["data"]
    assert (first["id"], first["address"], first["user_agent"]) == (
        ids.encode("ses", phone.session_id), "198.51.100.4", "a phone",
    )  # fmt: skip
    assert (first["current"], second["current"]) == (False, True)
    assert set(first) == {"id", "user_agent", "address", "created_at", "last_used_at", "expires_at", "current"}


def test_sessions_come_in_pages(api: Api) -> None:
    ann = api.register()
    another(api, ann)
    first = listed(api, ann, limit=1)
    second = listed(api, ann, limit=1, cursor=first["next_cursor"])
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["data"][0]["id"] > second["data"][0]["id"]


def test_a_refresh_tells_when_and_where_the_session_was_used_last(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    everything.execute("update sessions set last_used_at = now() - interval '1 day'")
    before = listed(api, ann)["data"][0]
    ask("POST /v1/auth/refresh", {"refresh_token": ann.refresh_token}, "203.0.113.4")
    after = listed(api, ann)["data"][0]
    assert (before["address"], after["address"]) == ("127.0.0.1", "203.0.113.4")
    assert after["last_used_at"] > before["last_used_at"] and after["last_used_at"].endswith(":00Z")


def test_ending_a_session_ends_it_and_no_other(api: Api) -> None:
    ann = api.register()
    phone = another(api, ann)
    session_id = ids.encode("ses", phone.session_id)
    for _ in range(2):  # again is no error
        assert api.call("DELETE /v1/me/sessions/{session_id}", by=ann, session_id=session_id).status == 204
    assert api.call("GET /v1/me", by=phone).status == 401
    assert refresh(api, phone.refresh_token).status == 401
    assert api.call("GET /v1/me", by=ann).status == 200
    assert len(listed(api, ann)["data"]) == 1


@pytest.mark.parametrize("session", ["of another", "ses_" + "0" * 26, "ses_x", "usr_" + "0" * 26, "x"])
def test_another_s_session_and_none_are_the_same_404(api: Api, session: str) -> None:
    ann, bob = api.register(), api.register("Bob")
    given = ids.encode("ses", bob.session_id) if session == "of another" else session
    refused = api.call("DELETE /v1/me/sessions/{session_id}", by=ann, session_id=given)
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert api.call("GET /v1/me", by=bob).status == 200


def test_logging_out_everywhere_else_keeps_this_session(api: Api) -> None:
    ann = api.register()
    others = [another(api, ann) for _ in range(2)]
    assert api.call("DELETE /v1/me/sessions", by=ann).status == 204
    assert [api.call("GET /v1/me", by=other).status for other in others] == [401, 401]
    assert (api.call("GET /v1/me", by=ann).status, refresh(api, ann.refresh_token).status) == (200, 200)


def test_logging_out_everywhere_ends_this_session_too(api: Api) -> None:
    ann, bob = api.register(), api.register("Bob")
    phone = another(api, ann)
    assert api.call("DELETE /v1/me/sessions", by=ann, query={"all": "true"}).status == 204
    assert [api.call("GET /v1/me", by=p).status for p in (ann, phone, bob)] == [401, 401, 200]


def test_an_access_token_dies_with_its_session_over_http_and_websocket(
    api: Api, everything: psycopg.Connection
) -> None:
    ann = api.project()
    ticket = api.call("POST /v1/socket/tickets", by=ann)
    assert ticket.status == 201
    say("$connect", ann, "c1", kind="CONNECT")
    assert say("room.subscribe", ann, "c1", room=ann.project["id"])["ok"]
    phone = another(api, ann)
    api.call("DELETE /v1/me/sessions/{session_id}", by=phone, session_id=ids.encode("ses", ann.session_id))
    refused = api.call("GET /v1/projects/{project_id}", by=ann, project_id=ann.project["id"])
    assert (refused.status, refused.json["detail"]) == (401, "This session has ended: log in again.")
    message = say("room.subscribe", ann, "c1", room=ann.project["id"])
    assert (message["ok"], message["error"]["code"]) == (False, "unauthenticated")
    assert say("$connect", ann, "c2", kind="CONNECT") == {"statusCode": 401}
    assert say("room.subscribe", phone, "c3", room=ann.project["id"])["error"]["code"] != "unauthenticated"


def test_what_happened_to_one_s_sessions_is_kept(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    phone = another(api, ann)
    api.call("POST /v1/auth/logout", by=phone)
    refresh(api, ann.refresh_token)
    age(everything, 11)
    refresh(api, ann.refresh_token)
    rows = everything.execute("select action from account_events order by id").fetchall()
    assert [action for (action,) in rows] == [
        "session.opened", "account.registered", "session.opened", "session.revoked", "session.token_reused",
    ]  # fmt: skip
