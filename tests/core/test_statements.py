"""Every registered statement: understood by the migrated schema, and never a scan of a large table."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from slipway import wire
from slipway.db import Statement

from stacks.local.machine import Machine
from tests.core.statements import by_type, registered

ROWS = 200_000
LARGE = ("users", "sessions", "refresh_tokens", "team_members", "projects", "blobs", "files", "file_versions", "trees",
         "runs", "run_artifacts", "rooms", "room_events", "subscriptions", "connections", "workspace_members",
         "api_keys", "idempotency_keys", "rate_buckets", "audit_heads", "account_events")  # fmt: skip
# One row of each table belongs to another, by arithmetic: team t owns 200 projects, a project 1 file, 1 run and 1 room.
FILL = """
create function pg_temp.u(kind text, n bigint) returns uuid language sql immutable as
  $$ select md5(kind || n)::uuid $$;
set session_replication_role = replica;
insert into users (id, email, name, password_hash) select pg_temp.u('usr', n), n || '@example.com', 'N', '' from g(100000) n;
insert into sessions (user_id, id, expires_at) select pg_temp.u('usr', n), pg_temp.u('ses', n), now() + '1 day' from g(100000) n;
insert into refresh_tokens (token_hash, parent_hash, user_id, session_id)
  select sha256(n::text::bytea), sha256((n + 1)::text::bytea), pg_temp.u('usr', n), pg_temp.u('ses', n) from g(100000) n;
insert into teams (id, name) select pg_temp.u('team', n), 'T' from g(1000) n;
insert into team_members (team_id, user_id, role)
  select pg_temp.u('team', n / 100), pg_temp.u('usr', n), 'owner' from g(100000) n;
insert into workspaces (team_id, id, name) select pg_temp.u('team', n), pg_temp.u('ws', n), 'W' from g(1000) n;
insert into projects (team_id, id, workspace_id, name)
  select pg_temp.u('team', n / 200), pg_temp.u('prj', n), pg_temp.u('ws', n / 200), 'P' from g(:rows) n;
insert into blobs (team_id, sha256, size, encoding, content)
  select pg_temp.u('team', n / 200), sha256(n::text::bytea), 1, 'identity', 'x' from g(:rows) n;
insert into files (team_id, id, project_id, path, path_key, sha256, size, version, updated_by)
  select pg_temp.u('team', n / 200), pg_temp.u('file', n), pg_temp.u('prj', n), 'f' || n, 'f' || n, sha256(n::text::bytea), 1, 1,
         pg_temp.u('usr', n) from g(:rows) n;
insert into file_versions (team_id, file_id, version, project_id, path, sha256, size, saved_by)
  select team_id, id, version, project_id, path, sha256, size, updated_by from files;
insert into trees (team_id, sha256, entries, files, bytes) select team_id, sha256, '[]', 0, 0 from blobs;
insert into runs (team_id, id, project_id, created_by, tree_sha256, limits, status, deadline_at, finished_at, created_at)
  select pg_temp.u('team', n / 200), pg_temp.u('run', n), pg_temp.u('prj', n), pg_temp.u('usr', n), sha256(n::text::bytea), '{}',
         case when n % 1000 = 0 then 'queued' else 'succeeded' end, now() + '1 hour',
         case when n % 1000 = 0 then null else now() end, now() - n * interval '1 second' from g(:rows) n;
insert into run_artifacts (team_id, id, run_id, attempt, path, size, sha256)
  select team_id, pg_temp.u('art', n), id, 0, 'a', 1, tree_sha256 from (select *, row_number() over () n from runs) r;
insert into rooms (team_id, id, kind, workspace_id)
  select r.team_id, r.id, 'run', p.workspace_id from runs r join projects p on p.id = r.project_id
  union all select team_id, id, 'project', workspace_id from projects;
insert into workspace_members (team_id, workspace_id, user_id, role)
  select pg_temp.u('team', n / 100), pg_temp.u('ws', n / 100), pg_temp.u('usr', n), 'viewer' from g(100000) n;
insert into api_keys (team_id, id, user_id, name, token_hash, last_four, scopes)
  select pg_temp.u('team', n / 100), pg_temp.u('key', n), pg_temp.u('usr', n), 'K', sha256(n::text::bytea), '', '{}'
    from g(100000) n;
insert into idempotency_keys (user_id, key_hash, request_hash)
  select pg_temp.u('usr', n), sha256(n::text::bytea), sha256('') from g(100000) n;
insert into rate_buckets (team_id, subject, class, tokens, filled_at)
  select pg_temp.u('team', n / 100), pg_temp.u('usr', n), 'read', 1, now() from g(100000) n;
insert into room_events (team_id, room_id, seq, type, data, created_at)
  select team_id, id, 1, 'x', '{}', now() + n % 40 * interval '1 day'
    from (select *, row_number() over () n from projects) p;
insert into connections (id, user_id) select 'c' || n, pg_temp.u('usr', n) from g(100000) n;
insert into subscriptions (team_id, room_id, connection_id, user_id)
  select pg_temp.u('team', n / 200), pg_temp.u('prj', n), 'c' || n, pg_temp.u('usr', n) from g(100000) n;
insert into audit_heads (team_id, seq, hash, at) select id, 200, sha256('h'), now() from teams;
insert into audit_events (team_id, seq, at, user_id, credential, action, target, address, user_agent, request_id, previous, hash)
  select team_id, n % 200 + 1, now() + n % 70 * interval '1 day', pg_temp.u('usr', n), 'platform', 'x', 'prj_' || n, '', '', '',
         sha256('p'), sha256('h') from (select *, row_number() over () n from projects) p;
insert into account_events (user_id, id, action, credential, address, user_agent, request_id, details)
  select pg_temp.u('usr', n), pg_temp.u('aud', n), 'x', 'none', '', '', '', '{}' from g(100000) n;
insert into outbox (id, queue, body) select pg_temp.u('out', n), 'runs', '' from g(100) n;
insert into workers (task_arn, address, state) select n, 'a', 'idle' from g(100) n;
set session_replication_role = origin;
analyze;
"""


def test_every_statement_is_understood_by_the_migrated_schema(machine: Machine) -> None:
    statements = [statement for statement in registered() if statement not in owners()]
    assert len(statements) > 60
    with psycopg.connect(machine.app_url, autocommit=True) as connection:
        for number, statement in enumerate(statements):
            try:
                connection.execute(f"prepare s{number} as {wire.numbered(statement)[0].decode()}".encode())
            except psycopg.Error as error:
                pytest.fail(f"{statement.place}: {error}")


def test_the_owner_s_statements_are_understood_too(machine: Machine) -> None:
    with psycopg.connect(machine.owner_url, autocommit=True) as connection:
        for number, statement in enumerate(owners()):
            connection.execute(f"prepare s{number} as {wire.numbered(statement)[0].decode()}".encode())


def owners() -> tuple[Statement, ...]:
    """Statements of a deploy, which the application may not say."""
    from slipway import access_tokens, plans, platform

    named = (platform.SET_OPERATOR, platform.OPERATORS, platform.SET_PLAN, platform.SET_LIMIT)
    return (access_tokens.PUBLISH, access_tokens.RETIRE, plans.PUBLISH, *named)


@pytest.fixture
def filled(machine: Machine, everything: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The application's connection, of one user and a team among a thousand, over large tables."""
    text = FILL.replace(":rows", str(ROWS))
    everything.execute(re.sub(r"\bg\((\d+)\)", r"generate_series(0::bigint, \1 - 1)", text).encode())
    with psycopg.connect(machine.app_url) as connection:
        connection.execute("select app.begin_request(%s, %s, null, '', null)", (uuid("usr", 700), uuid("ses", 700)))
        yield connection


def uuid(kind: str, n: int) -> UUID:
    from hashlib import md5

    return UUID(md5(f"{kind}{n}".encode()).hexdigest())


def values() -> dict[str, Any]:
    """A sensible value for every parameter's name. Team 7 has the projects 1400 to 1599 and the users 700 to 799."""
    text = dict.fromkeys(
        ("name", "email", "password_hash", "title", "user_agent", "path", "path_key", "prefix", "below", "beyond", "type",
         "kind", "encoding", "language", "entry", "status", "reason", "queue", "body", "task_arn", "address", "kid", "after"),
        "f1500",
    )  # fmt: skip
    number = dict.fromkeys(("limit", "size", "version", "days", "grace", "seconds", "lease", "start", "last", "attempt", "count",
                            "waiting", "months", "keep", "new", "refusals", "delay_seconds", "files", "bytes"), 1)  # fmt: skip
    ids = {
        "team_id": uuid("team", 7), "user_id": uuid("usr", 700), "project_id": uuid("prj", 1500), "file_id": uuid("file", 1500),
        "run_id": uuid("run", 1500), "room_id": uuid("prj", 1500), "workspace_id": uuid("ws", 7), "id": uuid("prj", 1500),
        "session_id": uuid("ses", 700), "created_by": uuid("usr", 700), "before": UUID(int=2**128 - 1),
    }  # fmt: skip
    other = {
        "start_at": datetime.now(UTC) - timedelta(days=1), "end_at": datetime.now(UTC) + timedelta(days=60),
        "meter": "runs_concurrent", "meters": ["file_bytes"], "folders": ["a"], "content": b"x", "stdin": b"", "arguments": ["a"],
        "artifacts": ["a"], "limits": "{}", "entries": "[]", "result": None, "deadline_at": datetime.now(UTC),
        "at": datetime.now(UTC), "types": ["x"], "datas": ["{}"], "connection_id": "c700", "older_than": datetime.now(UTC),
        "sha256": b"x" * 32, "sha256s": [b"x" * 32], "tree_sha256": b"x" * 32, "token_hash": b"x" * 32, "parent_hash": b"x" * 32,
        "kids": ["k"], "roles": ["viewer"], "jwk": "{}", "ids": [uuid("out", 1)],
        "kinds": ["verify"], "request_id": uuid("req", 1), "hours": 1, "verified": False, "known": False, "account": b"x" * 32,
        "child_hash": b"y" * 32, "network": "", "renewed": "h", "team_ids": [uuid("team", 7)],
    }  # fmt: skip
    return {**text, **number, **ids, **other}


def scans(plan: Any) -> set[str]:
    """The tables that a plan reads from beginning to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*(scans(child) for child in plan.get("Plans", [])))


AUDITED = '{"credential": "platform", "action": "x", "target": "x", "address": "", "user_agent": "", "request_id": ""}'


def large(table: str) -> bool:
    return table in LARGE or table.startswith(("room_events_2", "audit_events_2"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_statement_scans_a_large_table(filled: psycopg.Connection, everything: psycopg.Connection) -> None:
    control = everything.execute("explain (format json) select * from files where size = 7").fetchone()
    assert control and scans(control[0][0]["Plan"]) == {"files"}
    known, faults = values(), []
    particular: dict[str, Any] = {
        "REPLAY": {"after": 0}, "INSERT_ARTIFACT": {"sha256": "00" * 32}, "DROP": {"ids": ["c1"]}, "DISCONNECT": {"id": "c700"},
        "CONNECT": {"id": "c"},
    }  # fmt: skip
    for statement in registered():
        if statement in owners():
            continue
        own: Any = next((v for name, v in particular.items() if _named(statement, name)), {})
        typed = by_type(filled, statement)
        given = typed | {name: v for name, v in known.items() if v is None or isinstance(v, type(typed.get(name)))}
        with filled.transaction(force_rollback=True):
            custom = filled.execute(f"explain (format json) {statement}".encode(), {**given, **own}).fetchone()
            generic = filled.execute(
                f"explain (generic_plan, format json) {wire.numbered(statement)[0].decode()}".encode()
            )
            for kind, row in (("custom", custom), ("generic", generic.fetchone())):
                if row and (scanned := {t for t in scans(row[0][0]["Plan"]) if large(t)}):
                    faults.append(f"{statement.place}: its {kind} plan scans {', '.join(sorted(scanned))}")
    assert faults == []
    _doors(filled, everything)


def _named(statement: Statement, name: str) -> bool:
    module = importlib.import_module(statement.place.split(":")[0])
    return getattr(module, name, None) is statement


def _doors(filled: psycopg.Connection, everything: psycopg.Connection) -> None:
    """Explain does not look into functions: what they scanned stands in the server's own statistics."""
    doors = [
        *(
            f"app.begin_request('{uuid('usr', 700)}', '{uuid('ses', 700)}', null, '{kind}', '{uuid(kind, 1500)}')"
            for kind in ("prj", "file", "run", "art")
        ),
        f"app.begin_request('{uuid('usr', 700)}', '{uuid('ses', 700)}', null, 'ws', '{uuid('ws', 7)}')",
        f"app.begin_team('{uuid('team', 7)}') b, lateral app.append_audit('{uuid('team', 7)}', '[{AUDITED}]') a",
        f"app.admit('{uuid('usr', 700)}', '{uuid('ses', 700)}', null, 'prj', '{uuid('prj', 1500)}', 'read')",
        "app.admit_address('::1', 'login')",
        "app.find_key('\\x00')",
        f"app.listeners('{uuid('team', 7)}', '{uuid('prj', 1500)}', '{{viewer}}')",
        f"app.begin_run('\\x00', '{uuid('run', 1500)}')",
        "app.login_user('7@example.com')",
        "app.refresh_token_user('\\x00')",
        "app.redeem_ticket('\\x00')",
        "app.drop_connections('{c1}')",
        "app.expire()",
        "app.overdue_runs('30 seconds', 10)",
        "app.next_queued_runs(1)",
    ]
    query = "select relname, seq_scan from pg_stat_user_tables where relname = any(%s)"
    for door in doors:
        everything.execute("select pg_stat_force_next_flush()")
        before: dict[str, int] = dict(everything.execute(query, (list(LARGE),)).fetchall())
        filled.execute(f"select * from {door}".encode())
        filled.commit()
        filled.execute("select pg_stat_force_next_flush()")
        filled.commit()
        after: dict[str, int] = dict(everything.execute(query, (list(LARGE),)).fetchall())
        assert {t for t in after if after[t] > before[t]} == set(), f"{door} scans"


def test_the_scan_counter_counts(machine: Machine, everything: psycopg.Connection) -> None:
    """The control of the test above."""
    with psycopg.connect(machine.owner_url, autocommit=True) as connection:
        connection.execute("select count(*) from files")
        connection.execute("select pg_stat_force_next_flush()")
        connection.execute("select 1")
    row = everything.execute("select seq_scan from pg_stat_user_tables where relname = 'files'").fetchone()
    assert row and row[0] > 0
