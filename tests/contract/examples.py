"""At least one working request for every route, by operation id. A new route needs an entry here and nothing more:
the tests derive the damaged ones, and send them all through both HTTP shells."""

from __future__ import annotations

from tests.contract.example import Example
from tests.contract.examples_of_accounts import of_oneself
from tests.contract.people import INVITATION_ID, INVITATION_TOKEN
from tests.contract.world import ENDING_TOKEN, RUN_TOKEN, World, chunk

# What the other examples need goes last.
LAST = ("invitations_accept", "members_transfer", "workspaces_delete", "teams_delete")


def examples(w: World) -> dict[str, list[Example]]:
    ann, who = w.owner, w.people
    team, workspace, project = {"team_id": w.team}, {"workspace_id": w.workspace}, {"project_id": w.project}
    main, note = project | {"path": "main.py"}, project | {"path": "notes/one.txt"}
    running, ending, done = {"run_id": w.running}, {"run_id": w.ending}, {"run_id": w.done}
    new_artifact = {"attempt": 1, "path": "out.txt", "size": 3, "sha256": "ab" * 32}
    key, new_key = team | {"key_id": w.keys[0]["id"]}, {"name": "K", "scopes": ["*:read"]}
    return {
        "meta_health": [Example(200)],
        "meta_keys": [Example(200)],
        "meta_version": [Example(200)],
        **of_oneself(w),
        "accounts_logout": [Example(204, w.leaver)],
        "rooms_ticket": [Example(201, ann)],
        "keys_current": [Example(200, w.keys[0]["secret"]), Example(404, ann)],
        "keys_create": [
            Example(201, ann, team, {"name": "CI", "scopes": ["run:*", "project:read"]}),
            Example(201, ann, team, new_key | {"workspace_id": w.workspace, "expires_in_days": None}),
            Example(403, w.roles["viewer"], team, new_key | {"scopes": ["file:write"]}),
            Example(422, ann, team, new_key | {"workspace_id": w.stranger.workspace["id"]}),
        ],
        "keys_list": [Example(200, ann, team, query={"limit": 1})],
        "keys_get": [Example(200, ann, key)],
        "keys_mine": [Example(200, ann, query={"limit": 1, "team_id": w.team})],
        "keys_rotate": [Example(201, ann, key, {"grace_minutes": 5}), Example(201, ann, key, {})],
        "keys_revoke": [Example(204, ann, team | {"key_id": w.keys[1]["id"]})],
        "keys_revoke_mine": [Example(204, ann, {"key_id": w.keys[2]["id"]})],
        "teams_create": [Example(201, ann, body={"name": "Another"})],
        "teams_list": [Example(200, ann, query={"limit": 1})],
        "teams_get": [Example(200, ann, team)],
        "teams_update": [
            Example(200, ann, team, {"name": "Renamed"}),
            Example(200, ann, team, {}),
            Example(412, ann, team, {"name": "Late"}, headers={"If-Match": '"99"'}),
        ],
        "members_list": [Example(200, ann, team, query={"limit": 1})],
        "members_update": [
            Example(200, ann, team | {"user_id": who.mover.user["id"]}, {"role": "editor"}),
            Example(404, ann, team | {"user_id": w.stranger.user["id"]}, {"role": "editor"}),
        ],
        "members_remove": [Example(204, ann, team | {"user_id": who.removed.user["id"]})],
        "members_leave": [Example(204, who.quitter, team)],
        "invitations_create": [
            Example(201, ann, team, {"role": "viewer"}),
            Example(201, ann, team, {"role": "editor", "workspace_id": w.workspace, "expires_in_days": 1}),
            Example(403, ann, team, {"role": "viewer", "email": "guest@example.com"}, about="an unverified inviter"),
        ],
        "invitations_list": [Example(200, ann, team, query={"limit": 1})],
        "invitations_preview": [
            Example(200, ann, body={"token": INVITATION_TOKEN}),
            Example(401, ann, body={"token": "slp_inv_unknown"}),
        ],
        "invitations_accept": [
            Example(200, who.newcomer, body={"token": INVITATION_TOKEN}),
            Example(401, who.newcomer, body={"token": INVITATION_TOKEN}),
        ],
        "invitations_revoke": [Example(204, ann, team | {"invitation_id": INVITATION_ID})],
        "guests_mine": [Example(200, w.guests["guest_viewer"], query={"limit": 1})],
        "guests_list": [Example(200, ann, workspace, query={"limit": 1})],
        "guests_update": [Example(200, ann, workspace | {"user_id": who.guest.user["id"]}, {"role": "editor"})],
        "guests_remove": [Example(204, ann, workspace | {"user_id": who.passer.user["id"]})],
        "guests_leave": [Example(204, who.visitor, workspace)],
        "workspaces_create": [Example(201, ann, team, {"name": "Wörk"})],
        "workspaces_list": [Example(200, ann, team, query={"limit": 1})],
        "workspaces_get": [Example(200, ann, workspace)],
        "workspaces_update": [
            Example(200, ann, workspace, {"name": "Renamed"}),
            Example(412, ann, workspace, {"name": "Late"}, headers={"If-Match": '"99"'}),
        ],
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
            Example(202, ann, project, {}, headers={"Idempotency-Key": "one"}),
            Example(
                202,
                ann,
                project,
                {"entry": "main.py", "arguments": ["a"], "stdin": "in", "wall_seconds": 5},
                headers={"Idempotency-Key": "two"},
            ),
            Example(202, ann, project, {}, headers={"Idempotency-Key": "one"}, about="a retry"),
            Example(422, ann, {"project_id": w.empty}, {}, headers={"Idempotency-Key": "three"}),
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
        "audit_list": [
            Example(200, ann, team),
            Example(200, ann, team, query={"action": "project.", "q": "prj", "limit": 1, "user_id": ann.user["id"]}),
            Example(200, ann, team, query={"target": w.project, "since": "2026-01-01T00:00:00Z"}),
            Example(422, ann, team, query={"since": "2020-01-01T00:00:00Z"}),
            Example(422, ann, team, query={"cursor": "not a cursor"}),
        ],
        "audit_export": [Example(200, ann, team), Example(200, ann, team, query={"after": 3, "action": "file."})],
        "audit_head": [Example(200, ann, team)],
        "audit_verify": [
            Example(200, ann, team, {}),
            Example(200, ann, team, {"noted": {"seq": 1, "hash": "00" * 32}}),
            Example(422, ann, team, {"since": {"seq": -1, "hash": "x"}}),
        ],
        "accounts_events": [Example(200, ann, query={"limit": 1})],
        "plans_list": [Example(200)],
        "plans_of_team": [Example(200, ann, team)],
        "operator_find_teams": [
            Example(200, w.operator, query={"query": ann.user["email"], "limit": 1}),
            Example(200, w.operator, query={"query": w.team}),
            Example(422, w.operator, query={"query": ""}),
        ],
        "operator_set_plan": [
            Example(200, w.operator, team, {"plan": "pro", "reason": "a trial"}),
            Example(422, w.operator, team, {"plan": "none", "reason": "a trial"}),
        ],
        "operator_set_limit": [
            Example(200, w.operator, team | {"meter": "seats"}, {"value": 70, "reason": "a trial"}),
            Example(404, w.operator, team | {"meter": "no_such"}, {"value": 70, "reason": "a trial"}),
        ],
        "operator_clear_limit": [Example(204, w.operator, team | {"meter": "seats"})],
        "usage_get": [
            Example(200, ann, team),
            Example(200, ann, team, query={"meter": "runs", "interval": "hour", "by": "member"}),
            Example(
                200,
                ann,
                team,
                query={"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "by": "project"},
            ),
            Example(422, ann, team, query={"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
            Example(422, ann, team, query={"interval": "minute"}),
        ],
        "usage_events": [
            Example(200, ann, team),
            Example(200, ann, team, query={"meter": "runs", "limit": 1}),
            Example(422, ann, team, query={"cursor": "not a cursor"}),
        ],
        "usage_export": [
            Example(200, ann, team, query={"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}),
            Example(422, ann, team, query={"since": "yesterday"}),
        ],
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
        "members_transfer": [Example(200, who.co_owner, team, {"user_id": who.heir.user["id"]})],
        "workspaces_delete": [Example(204, ann, workspace)],
        "teams_delete": [
            Example(422, ann, team, query={"confirm": "another name"}),
            Example(204, ann, team, query={"confirm": "Renamed"}),
        ],
    }
