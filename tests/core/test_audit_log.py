"""Reading the audit log: filters, pages, export."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from slipway import audit, audit_log, db, ids
from slipway.caller import Origin, from_context

from tests.api import Api, Person, Response
from tests.core.backstage import uuid_of

pytestmark = pytest.mark.usefixtures("granted")
LIST, EXPORT = "GET /v1/teams/{team_id}/audit", "GET /v1/teams/{team_id}/audit.ndjson"
ONE, TWO = (ids.encode("prj", ids.new()) for _ in range(2))


@pytest.fixture
def ann(api: Api, everything: psycopg.Connection) -> Person:
    """Somebody whose log has six events of two people: a day apart, the last one now."""
    person, ben = api.project(), api.register("Ben")
    team = uuid_of(person.team["id"])
    everything.execute(
        "insert into team_members (team_id, user_id, role) values (%s, %s, 'admin')", (team, ben.user_id)
    )
    everything.execute("set session_replication_role = replica")
    everything.execute("delete from audit_events; delete from audit_heads")
    done = [("project.created", ONE), ("project.updated", ONE), ("file.saved", ids.encode("file", ids.new())),
            ("project.created", TWO), ("projects_all.read", TWO), ("project.deleted", ONE)]  # fmt: skip
    for number, (action, target) in enumerate(done):
        by = (person, ben)[number % 2]
        with db.transaction(from_context(by.context, Origin("::1", "b", "r")), "team", team) as (tx, known):
            audit.record(tx, known, action, target, {"name": "Ä"}, {"name": "B"})
    everything.execute("update audit_events set at = at - (6 - seq) * interval '1 day'")
    return person


def ask(api: Api, person: Person, key: str = LIST, **query: Any) -> Response:
    return api.call(key, by=person, query=query, team_id=person.team["id"])


def numbers(api: Api, person: Person, **query: Any) -> list[int]:
    return [event["seq"] for event in ask(api, person, **query).json["data"]]


def test_an_event_reads_as_it_was_recorded(api: Api, ann: Person) -> None:
    last = ask(api, ann, limit=1).json["data"][0]
    assert last.pop("hash") and last.pop("at")
    assert last.pop("user_id") != ann.user["id"]
    assert last.pop("credential_id").startswith("ses_")
    assert last == {
        "seq": 6, "credential": "session", "action": "project.deleted", "target": ONE, "before": {"name": "Ä"},
        "after": {"name": "B"}, "address": "::1", "user_agent": "b", "request_id": "r",
    }  # fmt: skip


def test_the_newest_come_first_in_pages(api: Api, ann: Person) -> None:
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(api, ann, limit=4, **cursor).json
        seen += [event["seq"] for event in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"action": "project."}, [6, 4, 2, 1]),
        ({"action": "project.created"}, [4, 1]),
        ({"action": "roject"}, []),
        ({"target": ONE}, [6, 2, 1]),
        ({"target": ONE, "action": "project.u"}, [2]),
        ({"q": "SAVED"}, [3]),
        ({"q": ONE[:12]}, [6, 5, 4, 2, 1]),
        ({"q": "s_a"}, [5]),
        ({"q": "%"}, []),
        ({"q": "", "action": "", "limit": 2}, [6, 5]),
    ],
)
def test_filters(api: Api, ann: Person, query: dict[str, Any], found: list[int]) -> None:
    assert numbers(api, ann, **query) == found


def test_one_person_s_events(api: Api, ann: Person) -> None:
    assert numbers(api, ann, user_id=ann.user["id"]) == [5, 3, 1]
    assert numbers(api, ann, user_id=api.register("Carl").user["id"]) == []


def test_a_time_is_from_since_to_before_until(api: Api, ann: Person) -> None:
    at = {event["seq"]: event["at"] for event in ask(api, ann).json["data"]}
    assert numbers(api, ann, since=at[2], until=at[4]) == [3, 2]
    assert numbers(api, ann, since=at[5]) == [6, 5]


def test_without_since_the_last_ninety_days_are_looked_through(
    api: Api, ann: Person, everything: psycopg.Connection
) -> None:
    everything.execute("update audit_events set at = at - interval '90 days' where seq < 5")
    assert numbers(api, ann) == [6, 5]
    long_ago = (datetime.now(UTC) - timedelta(days=200)).isoformat()
    assert numbers(api, ann, since=long_ago) == [6, 5, 4, 3, 2, 1]


def test_a_time_of_more_than_a_year_is_refused(api: Api, ann: Person) -> None:
    refused = ask(api, ann, since="2020-01-01T00:00:00Z")
    assert (refused.status, refused.json["code"]) == (422, "invalid")
    assert "366 days" in refused.json["detail"]
    assert ask(api, ann, since="2020-01-01T00:00:00Z", until="2020-12-31T00:00:00Z").status == 200
    assert ask(api, ann, since="2020-01-01").status == 422, "a time without a zone is no time"


def test_a_time_before_the_calendar_s_beginning_is_refused(api: Api, ann: Person) -> None:
    for key in (LIST, EXPORT):
        refused = ask(api, ann, key, until="0001-01-01T00:00:00Z")
        assert (refused.status, refused.json["code"]) == (422, "invalid")


@pytest.mark.parametrize("cursor", ["not a cursor", "!!", base64.urlsafe_b64encode(b"x").decode()])
def test_a_cursor_of_another_list_is_refused(api: Api, ann: Person, cursor: str) -> None:
    assert ask(api, ann, cursor=cursor).json["code"] == "invalid"


def exported(answer: Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.content.splitlines()]


def test_an_export_can_be_verified_line_by_line(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    everything.execute("delete from audit_events; delete from audit_heads")
    for name in ("A", "Ö"):
        api.call(
            "POST /v1/workspaces/{workspace_id}/projects", {"name": name}, by=ann, workspace_id=ann.workspace["id"]
        )
    answer = ask(api, ann, EXPORT)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "x-next-after" not in answer.headers
    last = hashlib.sha256(f"slipway audit {uuid_of(ann.team['id'])}".encode()).hexdigest()
    lines = exported(answer)
    assert [line["seq"] for line in lines] == [1, 2]
    for line in lines:
        assert line["previous"] == last
        last = hashlib.sha256(bytes.fromhex(last) + line["hashed"].encode()).hexdigest()
        assert line["hash"] == last
        told = json.loads(line["hashed"])
        assert [line["action"], line["target"], line["before"], line["after"]] == [*told[6:10]]
        assert line["team_id"] == ann.team["id"]


@pytest.mark.parametrize("bound", ["events", "bytes"])
def test_an_export_goes_on_where_it_ended(api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    if bound == "events":
        monkeypatch.setattr(audit_log, "EXPORT_EVENTS", 2)
    else:
        monkeypatch.setattr(audit_log, "EXPORT_BYTES", 2 * len(ask(api, ann, EXPORT).content.splitlines()[0]) + 200)
    seen: list[int] = []
    query: dict[str, Any] = {"action": "project."}
    for _ in range(3):
        answer = ask(api, ann, EXPORT, **query)
        seen += [line["seq"] for line in exported(answer)]
        query["after"] = answer.headers.get("x-next-after")
        if query["after"] is None:
            break
        assert len(answer.content.splitlines()) == 2
    assert seen == [1, 2, 4, 6]


def test_who_may_read_and_who_may_not(api: Api, ann: Person, everything: psycopg.Connection) -> None:
    eve = api.register("Eve")
    assert ask(api, Person(eve.token, "", eve.user, ann.team)).status == 404
    team = uuid_of(ann.team["id"])
    everything.execute(
        "insert into team_members (team_id, user_id, role) values (%s, %s, 'editor')", (team, eve.user_id)
    )
    refused = ask(api, Person(eve.token, "", eve.user, ann.team))
    assert (refused.status, refused.json["required"]) == (403, "audit:read")
