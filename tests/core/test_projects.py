from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import uuid_of
from tests.core.joining import audited, events

GET = "GET /v1/projects/{project_id}"
DELETE = "DELETE /v1/projects/{project_id}"
PATCH = "PATCH /v1/projects/{project_id}"
LIST = "GET /v1/workspaces/{workspace_id}/projects"
CREATE = "POST /v1/workspaces/{workspace_id}/projects"
TABLES = ("projects", "files", "file_versions", "runs", "run_artifacts")


def used(everything: psycopg.Connection) -> int:
    query = "select coalesce(sum(reserved), 0) from quota_usage where meter = 'runs_concurrent'"
    row = everything.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_a_project_is_made_read_renamed_and_listed(api: Api) -> None:
    ann = api.project()
    path = {"project_id": ann.project["id"]}
    assert api.call(GET, by=ann, **path).json == ann.project
    renamed = api.call(PATCH, {"name": "New"}, by=ann, **path)
    assert (renamed.status, renamed.json["name"]) == (200, "New")
    assert renamed.json["updated_at"] > ann.project["updated_at"]
    listed = api.call(LIST, by=ann, workspace_id=ann.workspace["id"]).json["data"]
    assert listed == [renamed.json]


def test_a_patch_changes_only_what_it_names(api: Api) -> None:
    ann = api.project()
    assert api.call(PATCH, {}, by=ann, project_id=ann.project["id"]).json["name"] == "P"


def test_a_new_project_is_told_to_its_workspace(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    query = "select seq, type, data ->> 'id' from room_events where room_id = %s"
    rows = everything.execute(query, (uuid_of(ann.workspace["id"]),)).fetchall()
    assert rows == [(1, "project.created", ann.project["id"])]


def test_a_stranger_can_do_nothing_with_a_project(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.project(), api.project("Bob")
    for key, body in ((GET, None), (DELETE, None), (PATCH, {"name": "mine"})):
        assert api.call(key, body, by=bob, project_id=ann.project["id"]).status == 404
    assert api.call(CREATE, {"name": "P"}, by=bob, workspace_id=ann.workspace["id"]).status == 404
    assert api.call(GET, by=ann, project_id=ann.project["id"]).json == ann.project


def test_deleting_a_project_takes_its_files_runs_and_logs_along(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    api.save(ann, "main.py", b"print(1)")
    run = api.run(ann).json
    assert used(everything) == 1
    assert api.call(DELETE, by=ann, project_id=ann.project["id"]).status == 204
    assert [everything.execute(f"select count(*) from {table}").fetchone() for table in TABLES] == [(0,)] * 5
    assert used(everything) == 0
    rooms = (uuid_of(ann.project["id"]), uuid_of(run["id"]))
    assert everything.execute("select 1 from rooms where id = any(%s)", (list(rooms),)).fetchall() == []
    assert everything.execute("select 1 from room_events where room_id = any(%s)", (list(rooms),)).fetchall() == []
    assert api.call(GET, by=ann, project_id=ann.project["id"]).status == 404


def test_deleting_one_project_leaves_the_other(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    api.save(ann, "main.py", b"print(1)")
    api.run(ann)
    other = api.call(CREATE, {"name": "Q"}, by=ann, workspace_id=ann.workspace["id"]).json
    api.call(DELETE, by=ann, project_id=other["id"])
    assert used(everything) == 1
    assert everything.execute("select count(*) from rooms where kind = 'run'").fetchone() == (1,)


@pytest.mark.parametrize("what", ["run", "save"])
def test_what_happens_while_a_project_is_deleted_leaks_no_slot_and_is_404_or_done(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any], what: str
) -> None:
    ann = api.project()
    projects = []
    for _ in range(4):
        project = api.call(CREATE, {"name": "Q"}, by=ann, workspace_id=ann.workspace["id"]).json
        person = Person(ann.token, "", ann.user, ann.team, ann.workspace, project)
        api.save(person, "main.py", b"print(1)")
        projects.append(person)

    def act(job: tuple[int, Person]) -> int:
        number, person = job
        if number == 0:
            time.sleep(0.01)
            return api.call(DELETE, by=person, project_id=person.project["id"]).status
        if what == "run":
            return api.run(person).status
        return api.save(person, f"{number}.txt", b"x" * number).status

    for person in projects:
        statuses = in_threads(act, [(n, person) for n in range(5)])
        assert statuses[0] == 204
        assert set(statuses[1:]) <= {201, 202, 404}
    assert used(everything) == 0


def test_a_run_that_is_being_created_when_the_project_goes_gives_its_slot_back(
    api: Api, everything: psycopg.Connection, in_threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one order that a stopwatch hardly ever meets: the run is inserted, then the project is deleted, then the
    run's transaction commits."""
    from slipway.runs import run as runs

    ann = api.project()
    api.save(ann, "main.py", b"print(1)")
    inserted, announce = threading.Event(), runs.announce

    def slowly(tx: Any, run: Any, event: str) -> None:
        if event == "run.queued":
            inserted.set()
            time.sleep(0.15)
        announce(tx, run, event)

    def act(number: int) -> int:
        if number == 0:
            return api.run(ann).status
        inserted.wait(5)
        return api.call(DELETE, by=ann, project_id=ann.project["id"]).status

    monkeypatch.setattr(runs, "announce", slowly)
    assert in_threads(act, [0, 1]) == [202, 204]
    assert everything.execute("select count(*) from runs").fetchone() == (0,)
    assert used(everything) == 0


def test_a_rename_names_the_version_that_it_changes(api: Api) -> None:
    ann = api.project()
    path = {"project_id": ann.project["id"]}
    read = api.call(GET, by=ann, **path)
    etag = {"If-Match": read.headers["etag"]}
    first = api.call(PATCH, {"name": "First"}, by=ann, headers=etag, **path)
    assert (first.status, first.json["name"]) == (200, "First")
    late = api.call(PATCH, {"name": "Late"}, by=ann, headers=etag, **path)
    assert (late.status, late.json["code"], late.headers["etag"]) == (412, "precondition_failed", first.headers["etag"])
    again = api.call(PATCH, {"name": "Again"}, by=ann, headers={"If-Match": first.headers["etag"]}, **path)
    assert again.status == 200
    assert api.call(GET, by=ann, **path).headers["etag"] == again.headers["etag"]


def test_a_client_that_has_the_version_gets_no_body(api: Api) -> None:
    ann = api.project()
    path = {"project_id": ann.project["id"]}
    have = {"If-None-Match": api.call(GET, by=ann, **path).headers["etag"]}
    same = api.call(GET, by=ann, headers=have, **path)
    assert (same.status, same.content) == (304, b"")
    api.call(PATCH, {"name": "New"}, by=ann, **path)
    assert api.call(GET, by=ann, headers=have, **path).json["name"] == "New"


def test_of_two_who_rename_the_same_version_one_is_told(api: Api, in_threads: Callable[..., Any]) -> None:
    ann = api.project()
    path = {"project_id": ann.project["id"]}
    etag = {"If-Match": api.call(GET, by=ann, **path).headers["etag"]}

    def rename(number: int) -> int:
        return api.call(PATCH, {"name": f"N{number}"}, by=ann, headers=etag, **path).status

    assert sorted(in_threads(rename, list(range(6)))) == [200] + [412] * 5


def test_what_changes_in_a_project_is_told_and_kept(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    path = {"project_id": ann.project["id"]}
    api.call(PATCH, {"name": "New"}, by=ann, **path)
    api.call(PATCH, {"name": "New"}, by=ann, **path)
    assert [type for type, _ in events(everything, uuid_of(ann.project["id"]))] == ["project.updated"]
    api.call(DELETE, by=ann, **path)
    told = events(everything, uuid_of(ann.workspace["id"]))
    assert [type for type, _ in told] == ["project.created", "project.updated", "project.deleted"]
    assert [data["name"] for _, data in told] == ["P", "New", "New"]
    target = ann.project["id"]
    assert audited(everything, "project.created") == [(target, None, {"name": "P"})]
    assert audited(everything, "project.updated") == [(target, {"name": "P"}, {"name": "New"})]
    assert audited(everything, "project.deleted") == [(target, {"name": "New"}, None)]
