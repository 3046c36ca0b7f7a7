"""A database of the first release, with people's rows in it, becomes one of this release: nothing is lost on the way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from slipway import migrate

from stacks.local import postgres

TEAM, WORKSPACE, PROJECT, RUN, USER = (UUID(int=n) for n in range(1, 6))
# As the first release wrote them.
ROWS = f"""
insert into users (id, email, name, password_hash) values ('{USER}', 'ann@example.com', 'Ann', '-');
insert into teams (id, name) values ('{TEAM}', 'T');
insert into team_members (team_id, user_id, role) values ('{TEAM}', '{USER}', 'owner');
insert into workspaces (team_id, id, name) values ('{TEAM}', '{WORKSPACE}', 'W');
insert into projects (team_id, id, workspace_id, name) values ('{TEAM}', '{PROJECT}', '{WORKSPACE}', 'P');
insert into trees (team_id, sha256, entries, files, bytes) values ('{TEAM}', sha256(''), '[]', 0, 0);
insert into blobs (team_id, sha256, size, encoding, content) values ('{TEAM}', sha256(''), 7, 'identity', '');
insert into runs (team_id, id, project_id, created_by, tree_sha256, limits, deadline_at)
  values ('{TEAM}', '{RUN}', '{PROJECT}', '{USER}', sha256(''), '{{}}', now());
insert into quotas (team_id, meter, used) values ('{TEAM}', 'runs_concurrent', 1);
insert into rooms (team_id, id, kind) values
  ('{TEAM}', '{WORKSPACE}', 'workspace'), ('{TEAM}', '{PROJECT}', 'project'), ('{TEAM}', '{RUN}', 'run');
insert into room_events (team_id, room_id, seq, type, data) values ('{TEAM}', '{RUN}', 1, 'x', '{{}}');
insert into connections (id, user_id) values ('c', '{USER}');
"""


@pytest.fixture
def upgraded(server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A superuser in a database of the first release with ROWS, after today's migrations."""
    name = f"u{uuid.uuid4().hex}"
    owner, _ = postgres.bootstrap(server.superuser_url, database=name)
    every = migrate.load()
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "load", lambda: every[:1])
        migrate.migrate(owner)
    with psycopg.connect(server.superuser_url, dbname=name, autocommit=True) as everything:
        everything.execute(ROWS)
        migrate.migrate(owner)
        yield everything
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_every_room_knows_its_workspace(upgraded: psycopg.Connection) -> None:
    assert one(upgraded, "select array_agg(distinct workspace_id) from rooms") == [WORKSPACE]
    assert one(upgraded, "select count(*) from rooms") == 3


def test_a_team_keeps_its_plan_and_what_it_uses(upgraded: psycopg.Connection) -> None:
    assert one(upgraded, f"select app.plan_of('{TEAM}')") == "unlimited"
    used = dict(upgraded.execute("select meter, used + reserved from quota_usage").fetchall())
    assert used == {"projects": 1, "seats": 1, "storage_bytes": 7, "runs_concurrent": 1}


def test_nobody_and_nothing_is_lost(upgraded: psycopg.Connection) -> None:
    for table in ("users", "team_members", "projects", "runs", "room_events", "connections", "blobs"):
        assert one(upgraded, f"select count(*) from {table}") == 1, table
