"""A prepared world that every contract test starts from: people with each role, a stranger, files, runs at each stage.

Built once per test process through the API itself, kept as a database; `World` is what the tests need to know of it.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from slipway import capabilities, db, ids, settings

from stacks.local import sessions
from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.api import Api, Person
from tests.contract import credentials, letters, logins, people

ROLES = ("admin", "editor", "viewer", "billing")
GUESTS = ("guest_editor", "guest_viewer")
RUN_TOKEN = "slp_run_" + "r" * 43
ENDING_TOKEN = "slp_run_" + "e" * 43
CONNECTION = "conn0000="
ARTIFACT = b"left by a run"


@dataclass
class World:
    """Ids as the API shows them. `guests` belong to the owner's workspace only, `outsider` to `other_workspace` of the same
    team only. `run` waits, `running` reports with RUN_TOKEN, `ending` with ENDING_TOKEN, `done` left an
    artifact, `cancelling` waits to be cancelled; `doomed` is a project to delete, `empty` one without files,
    `leaver` a person to log out, `operator` runs the platform and belongs to no team. `goner` deletes their
    account, `forgetful` resets a password, `verifier` verifies an address. The owner listens to every room, on CONNECTION."""

    owner: Person
    stranger: Person
    leaver: Person
    roles: dict[str, Person]
    guests: dict[str, Person]
    outsider: Person
    other_workspace: str
    doomed: str
    empty: str
    etag: str
    run: str
    running: str
    ending: str
    done: str
    cancelling: str
    artifact: str
    keys: list[dict[str, Any]]
    people: people.People
    credentials: dict[str, str]
    operator: Person
    goner: Person
    forgetful: Person
    verifier: Person

    @property
    def project(self) -> str:
        return self.owner.project["id"]

    @property
    def workspace(self) -> str:
        return self.owner.workspace["id"]

    @property
    def team(self) -> str:
        return self.owner.team["id"]


@contextmanager
def inhabited(machine: Machine) -> Iterator[None]:
    """Within, this process's settings and capabilities are the machine's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.settings().items():
            patch.setenv(name, value)
        settings.reset()
        capabilities.provide(provider(machine))
        yield
        settings.reset()
        capabilities.provide(None)


@contextmanager
def database(server: Server, like: Machine, template: str) -> Iterator[Machine]:
    """The machine with a fresh copy of a database."""
    name = f"c{uuid.uuid4().hex}"
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} owner slipway_owner")
    yield replace(like, owner_url=_named(like.owner_url, name), app_url=_named(like.app_url, name))
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def name_of(machine: Machine) -> str:
    return urlsplit(machine.owner_url).path[1:]


def _named(url: str, name: str) -> str:
    return url.replace(f"{urlsplit(url).path}?", f"/{name}?")


def build(server: Server, machine: Machine) -> World:
    """Make the world in the machine's database, and leave no connection open to it."""
    with inhabited(machine):
        made = _build(server, machine, Api())
        db.close()
    sessions.close(machine.owner_url)
    return made


def _build(server: Server, machine: Machine, api: Api) -> World:
    owner, stranger, leaver = api.project("Ann"), api.project("Bob"), api.register("Lea")
    roles = {role: api.register(role.title()) for role in ROLES}
    guests = {role: api.register(role.title().replace("_", "-")) for role in GUESTS}
    outsider = api.register("Out")
    other = api.call("POST /v1/teams/{team_id}/workspaces", {"name": "Other"}, by=owner, team_id=owner.team["id"]).json[
        "id"
    ]
    etag = api.save(owner, "main.py", b"print('hello')\n").headers["etag"]
    for path in ("notes/one.txt", "notes/two.txt", "old.txt"):
        api.save(owner, path, path.encode())
    at = {"workspace_id": owner.workspace["id"]}
    doomed, empty = (
        api.call("POST /v1/workspaces/{workspace_id}/projects", {"name": name}, by=owner, **at).json["id"]
        for name in ("Doomed", "Empty")
    )
    to_delete = {"project_id": doomed}
    api.call("PUT /v1/projects/{project_id}/files/{path+}", b"1", by=owner, path="a.py", **to_delete)
    api.call("POST /v1/projects/{project_id}/runs", {}, by=owner, **to_delete)
    runs = [api.run(owner).json["id"] for _ in range(5)]
    artifact = ids.new()
    made = World(
        owner,
        stranger,
        leaver,
        roles,
        guests,
        outsider,
        other,
        doomed,
        empty,
        etag,
        *runs,
        artifact=ids.encode("art", artifact),
        keys=[_key(api, owner) for _ in range(3)],
        people=people.register(api),
        credentials=credentials.make(api, owner, other),
        operator=api.register("Op"),
        goner=api.register("Gone"),
        forgetful=api.register("Forgetful"),
        verifier=api.register("Verifier"),
    )
    name = name_of(machine)
    with psycopg.connect(server.superuser_url, dbname=name, autocommit=True) as everything:
        everything.execute("update users set operator = true where id = %s", (made.operator.user_id,))
        letters.put(everything, made.verifier, made.forgetful)
        logins.put(everything, owner)
        people.settle(everything, made.people, owner)
        credentials.end(everything, owner)
        for role, person in roles.items():
            user, team = ids.decode("usr", person.user["id"]), ids.decode("team", owner.team["id"])
            everything.execute(
                "insert into team_members (team_id, user_id, role) values (%s, %s, %s)", (team, user, role)
            )
        welcome(everything, owner.team["id"], owner.workspace["id"], guests["guest_editor"], "editor")
        welcome(everything, owner.team["id"], owner.workspace["id"], guests["guest_viewer"], "viewer")
        welcome(everything, owner.team["id"], other, outsider, "editor")
        listener = ids.decode("usr", owner.user["id"])
        everything.execute("insert into connections (id, user_id) values (%s, %s)", (CONNECTION, listener))
        everything.execute(
            "insert into subscriptions (team_id, room_id, connection_id, user_id) select team_id, id, %s, %s from rooms",
            (CONNECTION, listener),
        )
        for run, token in ((made.running, RUN_TOKEN), (made.ending, ENDING_TOKEN)):
            everything.execute(
                """update runs set status = 'running', attempt = 1, token_hash = %s, started_at = now(),
                          lease_expires_at = now() + interval '1 hour' where id = %s""",
                (hashlib.sha256(token.encode()).digest(), ids.decode("run", run)),
            )
        done = ids.decode("run", made.done)
        everything.execute(
            "update runs set status = 'succeeded', attempt = 1, started_at = now(), finished_at = now() where id = %s",
            (done,),
        )
        everything.execute(
            """insert into run_artifacts (team_id, id, run_id, attempt, path, size, sha256)
               select team_id, %s, id, 1, 'out.bin', %s, %s from runs where id = %s""",
            (artifact, len(ARTIFACT), hashlib.sha256(ARTIFACT).digest(), done),
        )
    with capabilities.granting("world", (capabilities.ARTIFACTS_WRITE,)):
        capabilities.use(capabilities.ARTIFACTS_WRITE).put(f"{done}/{artifact}", ARTIFACT)
    return made


def welcome(everything: psycopg.Connection, team: str, workspace: str, guest: Person, role: str) -> None:
    everything.execute(
        "insert into workspace_members (team_id, workspace_id, user_id, role) values (%s, %s, %s, %s)",
        (ids.decode("team", team), ids.decode("ws", workspace), guest.user_id, role),
    )


def _key(api: Api, owner: Person) -> dict[str, Any]:
    """One of the owner's API keys, with its secret; it was used."""
    body = {"name": "CI", "scopes": ["*:read"]}
    made: dict[str, Any] = api.call("POST /v1/teams/{team_id}/keys", body, by=owner, team_id=owner.team["id"]).json
    api.call("GET /v1/key", by=made["secret"])
    return made


def chunk(text: bytes) -> dict[str, object]:
    """A chunk of output as a worker reports it."""
    at = "2026-01-02T03:04:05Z"
    return {"seq": 1, "stream": "stdout", "at": at, "data_base64": base64.b64encode(text).decode()}


def home(tmp: Path, owner_url: str, app_url: str, seed: str) -> Machine:
    from stacks.local import machine as machines

    return replace(machines.open_or_create(tmp, 1, 1), owner_url=owner_url, app_url=app_url, signing_seed=seed)
