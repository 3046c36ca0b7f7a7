from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from slipway import db, discover

from tests.api import Api, Person, Response

CREATE = "POST /v1/workspaces/{workspace_id}/projects"
REPLAYED = "idempotency-replayed"


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def create(api: Api, person: Person, key: str | None, body: Any = None) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    given = {"name": "New"} if body is None else body
    return api.call(CREATE, given, by=person, headers=headers, workspace_id=person.workspace["id"])


def projects(everything: psycopg.Connection) -> int:
    row = everything.execute("select count(*) from projects").fetchone()
    return int(row[0]) if row else 0


def test_a_retry_gets_the_first_answer_and_does_nothing(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    first, count = create(api, ann, "k1"), projects(everything)
    again = create(api, ann, "k1")
    assert (again.status, again.json) == (first.status, first.json)
    assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
    assert projects(everything) == count


def test_without_a_key_or_with_another_it_is_another_request(api: Api, ann: Person) -> None:
    made = {create(api, ann, key).json["id"] for key in (None, None, "k1", "k2")}
    assert len(made) == 4


def test_the_same_key_with_another_body_is_refused(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    create(api, ann, "k1")
    count = projects(everything)
    refused = create(api, ann, "k1", {"name": "Other"})
    assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
    assert projects(everything) == count


def test_a_key_is_its_sender_s_and_its_route_s(api: Api, ann: Person) -> None:
    bob = api.project("Bob")
    first = create(api, ann, "k1")
    assert create(api, bob, "k1").json["id"] != first.json["id"]
    path = {"team_id": ann.team["id"]}
    other = api.call(
        "POST /v1/teams/{team_id}/workspaces", {"name": "New"}, by=ann, headers={"Idempotency-Key": "k1"}, **path
    )
    assert other.status == 201


def test_a_refusal_of_the_route_is_kept(api: Api, ann: Person) -> None:
    """A client that missed the answer must not hear another one."""
    key = "POST /v1/projects/{project_id}/runs"
    given: dict[str, Any] = {"by": ann, "headers": {"Idempotency-Key": "k1"}, "project_id": ann.project["id"]}
    refused = api.call(key, {}, **given)
    assert refused.json["code"] == "no_files"
    api.save(ann, "main.py", b"1")
    again = api.call(key, {}, **given)
    assert (again.status, again.json, again.headers[REPLAYED]) == (refused.status, refused.json, "true")


def test_a_refusal_leaves_nothing_behind_but_itself(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    before = everything.execute("select count(*) from outbox").fetchone()
    api.call(
        "POST /v1/projects/{project_id}/runs",
        {},
        by=ann,
        headers={"Idempotency-Key": "k"},
        project_id=ann.project["id"],
    )
    assert everything.execute("select count(*) from outbox").fetchone() == before
    assert everything.execute("select count(*) from runs").fetchone() == (0,)
    assert everything.execute("select status from idempotency_keys").fetchall() == [(422,)]


def test_what_was_not_valid_may_be_corrected_under_the_same_key(api: Api, ann: Person) -> None:
    assert create(api, ann, "k1", {"nom": "New"}).status == 422
    assert create(api, ann, "k1").status == 201


def test_a_kept_answer_is_not_shown_to_who_has_lost_the_right(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    create(api, ann, "k1")
    everything.execute("update team_members set role = 'viewer'")
    assert create(api, ann, "k1").status == 403


def test_of_two_at_once_one_runs_and_the_other_waits(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    count, answers = projects(everything), []

    def send() -> None:
        answers.append(create(api, ann, "k1"))
        db.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(a.status, a.json["id"]) for a in answers} == {(201, answers[0].json["id"])}
    assert sorted(REPLAYED in a.headers for a in answers) == [False] + [True] * 7
    assert projects(everything) == count + 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a\x00b"])
def test_a_key_that_is_none_is_refused(api: Api, ann: Person, key: str) -> None:
    assert create(api, ann, key).json["code"] == "invalid"


def test_keys_are_forgotten_after_a_day(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    from slipway import expiry
    from slipway.capabilities import DATABASE, granting

    first = create(api, ann, "k1")
    everything.execute("update idempotency_keys set created_at = created_at - interval '25 hours'")
    with granting("expire", (DATABASE,)):
        expiry.sweep()
    assert create(api, ann, "k1").json["id"] != first.json["id"]


def test_every_post_of_a_known_caller_takes_a_key_or_has_a_reason() -> None:
    """Answers with a secret are not kept, since what is not kept cannot leak; nor requests whose body has a password, of
    which a hash would be kept; and what changes nothing needs no key."""
    posts = [
        r.spec for r in discover.routes() if r.spec.method == "POST" and r.spec.allow not in ("public", "run:report")
    ]
    without = {spec.name for spec in posts if spec.idempotency == "none"}
    assert without <= {
        "rooms_ticket", "keys_create", "keys_rotate", "invitations_create",
        "accounts_change_email", "accounts_change_password", "identities_link",
        "audit_verify", "invitations_preview",
    }  # fmt: skip
    assert len(posts) > len(without)


def test_a_retry_may_find_the_slot_that_was_not_free(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    api.save(ann, "main.py", b"1")
    everything.execute("update plan_limits set value = 1 where meter = 'runs_concurrent'")
    first = api.run(ann).json["id"]

    def run() -> Response:
        key = "POST /v1/projects/{project_id}/runs"
        return api.call(key, {}, by=ann, headers={"Idempotency-Key": "again"}, project_id=ann.project["id"])

    assert (run().status, run().json["code"]) == (429, "limit_reached")
    assert api.call("POST /v1/runs/{run_id}/cancel", by=ann, run_id=first).status == 202
    made = run()
    assert (made.status, run().json["id"]) == (202, made.json["id"])
