"""Who waits for whom: a team's counts are locked before its rooms, by everybody, so nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.api import Api, Person
from tests.core.joining import visit

PROJECTS = "POST /v1/workspaces/{workspace_id}/projects"
TIMES = 6


@pytest.fixture
def ann(api: Api) -> Person:
    return api.project()


def make(api: Api, ann: Person, workspace: str) -> Any:
    return api.call(PROJECTS, {"name": "P"}, by=ann, workspace_id=workspace)


def test_projects_are_created_while_others_are_deleted(
    api: Api, ann: Person, in_threads: Callable[..., list[int]]
) -> None:
    workspace = ann.workspace["id"]
    made = [make(api, ann, workspace).json["id"] for _ in range(TIMES)]

    def act(project: str | None) -> int:
        if project is None:
            return make(api, ann, workspace).status
        return api.call("DELETE /v1/projects/{project_id}", by=ann, project_id=project).status

    assert sorted(in_threads(act, [*made, *[None] * TIMES])) == [201] * TIMES + [204] * TIMES


def test_guests_go_while_their_workspace_is_deleted(
    api: Api, ann: Person, in_threads: Callable[..., list[int]], everything: psycopg.Connection
) -> None:
    path = {"team_id": ann.team["id"]}
    for _ in range(TIMES):
        ann.workspace = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "W"}, by=ann, **path).json
        guests = [visit(api, ann, "viewer") for _ in range(2)]

        def act(guest: Person | None, workspace: str = ann.workspace["id"]) -> int:
            if guest is None:
                return api.call("DELETE /v1/workspaces/{workspace_id}", by=ann, workspace_id=workspace).status
            return api.call("POST /v1/workspaces/{workspace_id}/leave", by=guest, workspace_id=workspace).status

        assert {*in_threads(act, [None, *guests])} <= {204, 404, 409}
