"""What the benchmarks of routes stand on: a Postgres of their own, migrated, with one user and one project in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psycopg
from slipway import capabilities, db, ids, migrate, projects, settings, teams, workspaces
from slipway.caller import Caller

from stacks.local import machine as machines
from stacks.local import postgres, queues
from stacks.local.capabilities import provider
from stacks.local.machine import Machine

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ground:
    """`superuser_url` is of the same database: row-level security does not bind it."""

    machine: Machine
    superuser_url: str
    user_id: UUID
    session_id: UUID
    workspace_id: UUID
    project_id: UUID

    def environment(self) -> dict[str, str]:
        """For a process that answers as a Lambda would: bytecode is written, nothing but settings is added."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SLIPWAY_"))}
        return kept | self.machine.settings()


@contextmanager
def ground(folder: Path, port: int = 1) -> Iterator[Ground]:
    """Within, this process is the machine as well: `db.transaction` and `use` work."""
    with postgres.running(folder / "postgres") as server:
        owner, app = postgres.bootstrap(server.superuser_url)
        migrate.migrate(owner)
        queues.create(owner)
        here = replace(machines.open_or_create(folder, port, 0), owner_url=owner, app_url=app)
        here.save()
        settings.apply(here.settings())
        capabilities.provide(provider(here))
        database = psycopg.conninfo.conninfo_to_dict(owner)["dbname"]
        superuser = psycopg.conninfo.make_conninfo(server.superuser_url, dbname=database)
        try:
            with capabilities.granting("bench", (capabilities.SIGNING_KEYS,)):
                migrate.publish_keys(owner)
            with capabilities.granting("bench", (capabilities.DATABASE,)):
                yield seed(here, superuser)
        finally:
            db.close()


def seed(here: Machine, superuser_url: str) -> Ground:
    user_id, session_id = ids.new(), ids.new()
    with psycopg.connect(superuser_url) as connection:
        connection.execute(
            "insert into users (id, email, name, password_hash) values (%s, 'bench@example.com', 'Bench', '-')",
            (user_id,),
        )
        connection.execute(
            "insert into sessions (user_id, id, expires_at) values (%s, %s, now() + interval '1 day')",
            (user_id, session_id),
        )
    caller = Caller("user", _user_id=user_id, _session_id=session_id)
    with db.transaction(caller) as (tx, _):
        team = teams.create(tx, caller, teams.NewTeam(name="Bench"))
    with db.transaction(caller, "team", team.id) as (tx, member):
        workspace = workspaces.create(tx, member, workspaces.NewWorkspace(name="Bench"))
        project = projects.create(tx, member, workspace.id, projects.NewProject(name="Bench"))
    return Ground(here, superuser_url, user_id, session_id, workspace.id, project.id)
