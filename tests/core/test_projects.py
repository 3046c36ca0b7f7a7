from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.backstage import uuid_of

GET = "GET /v1/projects/{project_id}"
DELETE = "DELETE /v1/projects/{project_id}"
PATCH = "PATCH /v1/projects/{project_id}"
LIST = "GET /v1/workspaces/{workspace_id}/projects"
CREATE = "POST /v1/workspaces/{workspace_id}/projects"
TABLES = ("projects", "files", "file_versions", "runs", "run_artifacts")


def used(everything: psycopg.Connection) -> int:
    row = everything.execute("select coalesce(sum(used), 0) from quotas").fetchone()
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
