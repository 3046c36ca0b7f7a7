"""At least one working request for every route, by operation id. A new route needs an entry here and nothing more:
the tests derive the damaged ones, and send them all through both HTTP shells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.api import Person
from tests.contract.world import ENDING_TOKEN, RUN_TOKEN, World, chunk


@dataclass(frozen=True)
class Example:
    """`body` bytes go as they are, anything else as JSON; `by` None sends no credential."""

    status: int
    by: Person | str | None = None
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    about: str = "works"
    damage: bool = False  # derive the damaged requests from this one; otherwise from the first

    def but(self, about: str, **changes: Any) -> Example:
        """The same request, damaged; its status is whatever both shells say."""
        return replace(self, about=about, status=0, damage=False, **changes)


def examples(w: World) -> dict[str, list[Example]]:
    ann = w.owner
    team, workspace, project = {"team_id": w.team}, {"workspace_id": w.workspace}, {"project_id": w.project}
    main, note = project | {"path": "main.py"}, project | {"path": "notes/one.txt"}
    running, ending, done = {"run_id": w.running}, {"run_id": w.ending}, {"run_id": w.done}
    new_artifact = {"attempt": 1, "path": "out.txt", "size": 3, "sha256": "ab" * 32}
    login = {"email": ann.user["email"], "password": "correct horse"}
    return {
        "meta_health": [Example(200)],
        "meta_keys": [Example(200)],
        "meta_version": [Example(200)],
        "accounts_register": [
            Example(201, body={"email": "new@example.com", "password": "correct horse", "name": "New"}),
            Example(409, body={"email": ann.user["email"], "password": "correct horse", "name": "Again"}),
        ],
        "accounts_login": [
            Example(200, body=login, headers={"User-Agent": "a browser"}),
            Example(401, body=login | {"password": "wrong horse"}),
        ],
        "accounts_refresh": [
            Example(200, body={"refresh_token": w.roles["billing"].refresh_token}),
            Example(401, body={"refresh_token": "slp_rt_unknown"}),
        ],
        "accounts_me": [Example(200, ann)],
        "accounts_logout": [Example(204, w.leaver)],
        "rooms_ticket": [Example(201, ann)],
        "teams_create": [Example(201, ann, body={"name": "Another"})],
        "teams_list": [Example(200, ann, query={"limit": 1})],
        "teams_get": [Example(200, ann, team)],
        "workspaces_create": [Example(201, ann, team, {"name": "Wörk"})],
        "workspaces_list": [Example(200, ann, team, query={"limit": 1})],
        "workspaces_get": [Example(200, ann, workspace)],
        "projects_create": [Example(201, ann, workspace, {"name": "New"})],
        "projects_list": [Example(200, ann, workspace), Example(200, ann, workspace, query={"limit": 1})],
        "projects_get": [Example(200, ann, project)],
        "projects_update": [Example(200, ann, project, {"name": "Other"}), Example(200, ann, project, {})],
        "projects_delete": [Example(204, ann, {"project_id": w.doomed}), Example(404, ann, {"project_id": w.doomed})],
        "files_list": [
            Example(200, ann, project),
            Example(200, ann, project, query={"prefix": "notes/", "limit": 1}),
            Example(422, ann, project, query={"cursor": "not a cursor"}),
        ],
        "files_get": [
            Example(200, ann, main),
            Example(304, ann, main, headers={"If-None-Match": w.etag}),
            Example(404, ann, project | {"path": "no such file"}),
            Example(422, ann, project | {"path": "a/../b"}),
        ],
        "files_put": [
            Example(201, ann, project | {"path": "new folder/ü 100%.bin"}, bytes(range(256))),
            Example(200, ann, note, b"changed"),
            Example(201, ann, project | {"path": "empty"}, b""),
            Example(412, ann, note, b"late", headers={"If-Match": '"1-0000"'}),
            Example(413, ann, note, b"x" * 4_194_305),
        ],
        "files_move": [
            Example(200, ann, project, {"source": "old.txt", "target": "newer.txt"}),
            Example(409, ann, project, {"source": "newer.txt", "target": "MAIN.py"}),
        ],
        "files_delete": [
            Example(412, ann, project | {"path": "notes/two.txt"}, headers={"If-Match": '"9-9"'}),
            Example(204, ann, project | {"path": "notes/two.txt"}),
        ],
        "runs_create": [
            Example(202, ann, project, {}),
            Example(202, ann, project, {"entry": "main.py", "arguments": ["a"], "stdin": "in", "wall_seconds": 5}),
            Example(422, ann, {"project_id": w.empty}, {}),
        ],
        "runs_list": [Example(200, ann, project, query={"limit": 2})],
        "runs_get": [Example(200, ann, {"run_id": w.run})],
        "runs_log": [
            Example(200, ann, {"run_id": w.run}),
            Example(200, ann, {"run_id": w.run}, query={"after": 10**15}),
        ],
        "runs_cancel": [Example(202, ann, {"run_id": run}) for run in (w.cancelling, w.cancelling, w.running)],
        "artifacts_list": [Example(200, ann, done)],
        "artifacts_get": [Example(200, ann, done | {"artifact_id": w.artifact})],
        "worker_heartbeat": [
            Example(200, RUN_TOKEN, running, {"attempt": 1}),
            Example(409, RUN_TOKEN, running, {"attempt": 2}),
        ],
        "worker_output": [Example(200, RUN_TOKEN, running, {"attempt": 1, "chunks": [chunk(b"hello\n")]})],
        "worker_artifact": [Example(200, RUN_TOKEN, running, new_artifact)],
        "worker_result": [
            Example(204, ENDING_TOKEN, ending, {"attempt": 1, "status": "failed", "exit_code": 1}),
            Example(409, ENDING_TOKEN, ending, {"attempt": 1, "status": "failed", "exit_code": 1}),
            Example(409, RUN_TOKEN, running, {"status": "failed", "exit_code": 1, "attempt": 2}, damage=True),
        ],
    }
