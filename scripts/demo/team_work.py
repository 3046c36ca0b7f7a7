"""Second act: two teams, an invited viewer, a refused edit, a key with one scope, and a quota that is used up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.client import Client, Json, Problem
from scripts.demo.tell import step


def play(ada: Client, project: Json, data: Path) -> None:
    print("\n── Two teams, and a viewer ──")
    file, team = f"/v1/projects/{project['id']}/files/main.py", project["team_id"]
    bob = Client(ada.base_url)
    bob.register("Bob")
    own = bob.project("bobs")
    step("Bob's own", own["id"])
    refused(bob, "looks in", "GET", f"/v1/projects/{project['id']}")
    link = ada.call("POST", f"/v1/teams/{team}/invitations", {"role": "viewer"})
    step("invited", f"as {link['role']}, until {link['expires_at'][:10]}: {link['link'][:48]}…")
    bob.call("POST", "/v1/invitations/accept", {"token": link["token"]})
    step("Bob reads", bob.send("GET", file).content.decode().splitlines()[0])
    refused(bob, "Bob edits", "PUT", file, b"print('mine now')")
    refused(bob, "once more", "POST", "/v1/invitations/accept", {"token": link["token"]})
    with_a_key(ada, team, project, file)
    used_up(ada, team, project, data)


def with_a_key(ada: Client, team: str, project: Json, file: str) -> None:
    print("\n── A key that may only read ──")
    key = ada.call("POST", f"/v1/teams/{team}/keys", {"name": "demo", "scopes": ["file:read"]})
    step("key", f"{key['prefix']}…{key['last_four']}, scopes {', '.join(key['scopes'])}")
    robot = Client(ada.base_url, key["secret"])
    step("it reads", f"{len(robot.send('GET', file).content)} bytes of main.py")
    refused(robot, "it writes", "PUT", file, b"")
    ada.send("DELETE", f"/v1/teams/{team}/keys/{key['id']}")
    refused(robot, "revoked", "GET", file)


def used_up(ada: Client, team: str, project: Json, data: Path) -> None:
    print("\n── A quota ──")
    used = next(m for m in ada.call("GET", f"/v1/teams/{team}/plan")["limits"] if m["meter"] == "runs_per_day")["used"]
    slipway = [sys.executable, "-m", "stacks.local.cli", "plan", "limit", team, "runs_per_day", str(used + 1)]
    subprocess.run([*slipway, "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
    step("operator", f"slipway plan limit {team[:12]}… runs_per_day {used + 1}")
    runs = f"/v1/projects/{project['id']}/runs"
    ada.wait(ada.call("POST", runs, {"entry": "main.py"})["id"])
    step("ran", f"run {used + 1} of {used + 1} today")
    refused(ada, "one more", "POST", runs, {"entry": "main.py"})


def refused(client: Client, what: str, method: str, path: str, body: object = None) -> None:
    """Show how it is refused; that it is not would be news."""
    try:
        client.call(method, path, body)
    except Problem as problem:
        told = problem.document
        figures = [
            f"{name} {told[name]}" for name in ("limit", "allowed", "used", "resets_at", "allowed_by") if told.get(name)
        ]
        step(what, f"{problem.status} {told['code']}: {told['detail']}")
        if figures:
            step("", " · ".join(figures))
        return
    raise RuntimeError(f"{what}: {method} {path} was not refused")
