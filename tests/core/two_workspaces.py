"""One team with two workspaces, each with a row in every table that has rows of workspaces: for walls between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import psycopg

from tests.api import Api, Person
from tests.core.backstage import consume, say, uuid_of
from tests.core.furnished import furnished
from tests.core.joining import invite
from tests.core.worker import Worker


@dataclass
class Ground:
    """The ids of each workspace's things, by their prefix."""

    ann: Person
    mine: dict[str, UUID]  # the one that guests are invited to
    other: dict[str, UUID]


def furnish(api: Api, everything: psycopg.Connection, workers: Callable[[], Worker]) -> Ground:
    ann = furnished(api, everything, workers)
    everything.execute("delete from workspace_members")
    mine = of(everything, ann)
    path = {"team_id": ann.team["id"]}
    workspace = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "Other"}, by=ann, **path).json
    path = {"workspace_id": workspace["id"]}
    project = api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": "Q"}, by=ann, **path).json
    away = Person(ann.token, "", ann.user, ann.team, workspace, project)
    api.save(away, "secret.py", b"2")
    worker = workers()
    worker.arrive()
    run = api.run(away).json
    consume(everything, "runs")
    worker.report(api, "artifacts", path="b", size=1, sha256="0" * 64)
    assert say("room.subscribe", ann, "c1", room=run["id"])["ok"]
    assert invite(api, ann, workspace_id=workspace["id"]).status == 201
    return Ground(ann, mine, of(everything, away))


def of(everything: psycopg.Connection, person: Person) -> dict[str, UUID]:
    row = everything.execute(
        """select f.id, r.id, a.id from files f join runs r using (project_id) join run_artifacts a on a.run_id = r.id
            where f.project_id = %s""",
        (uuid_of(person.project["id"]),),
    ).fetchone()
    assert row
    workspace, project = uuid_of(person.workspace["id"]), uuid_of(person.project["id"])
    return {"ws": workspace, "prj": project, "file": row[0], "run": row[1], "art": row[2]}
