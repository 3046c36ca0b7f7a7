"""Reads of one team's projects among 1,000 and among 1,000,000, through the whole gateway: what a tenant pays for others."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import md5
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
from slipway import access_tokens, capabilities, db, ids

from scripts.bench import samples
from scripts.bench.ground import Ground, ground
from scripts.bench.processes import free_ports, server
from scripts.bench.report import Figure

PROJECTS_A_TEAM = 100
SMALL, LARGE = 10, 10_000  # teams
PEOPLE = 200
TURNS, REQUESTS = 20, 200
TARGET = 1.5
# A team, its owner, their session and their workspace have one number; ids are the hash of a word and the number.
FILL = """
create function pg_temp.u(kind text, n bigint) returns uuid language sql immutable as $$ select md5(kind || n)::uuid $$;
set session_replication_role = replica;
insert into users (id, email, name, password_hash)
  select pg_temp.u('usr', n), n || '@example.com', 'N', '' from generate_series(1, {teams}) n;
insert into sessions (user_id, id, expires_at)
  select pg_temp.u('usr', n), pg_temp.u('ses', n), now() + interval '1 day' from generate_series(1, {teams}) n;
insert into teams (id, name) select pg_temp.u('team', n), 'T' from generate_series(1, {teams}) n;
insert into team_plans (team_id, effective_from, plan, reason) select id, now(), 'unlimited', '' from teams
  on conflict do nothing;
insert into team_members (team_id, user_id, role)
  select pg_temp.u('team', n), pg_temp.u('usr', n), 'owner' from generate_series(1, {teams}) n;
insert into workspaces (team_id, id, name)
  select pg_temp.u('team', n), pg_temp.u('ws', n), 'W' from generate_series(1, {teams}) n;
insert into projects (team_id, id, workspace_id, name)
  select pg_temp.u('team', n % {teams} + 1), pg_temp.u('prj', n), pg_temp.u('ws', n % {teams} + 1), 'P'
    from generate_series(1, {projects}) n;
set session_replication_role = origin;
analyze;
"""


class Read(NamedTuple):
    path: str
    token: str


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, among(Path(folder) / "small", SMALL) as small:  # noqa: SIM117
        with among(Path(folder) / "large", LARGE) as large:
            return compare({"small": small, "large": large})


def compare(asked: dict[str, tuple[int, dict[str, list[Read]]]]) -> list[Figure]:
    figures: list[Figure] = []
    for kind in ("project", "list"):
        times: dict[str, list[float]] = {name: [] for name in asked}
        readers = {name: Reader(port, reads[kind]) for name, (port, reads) in asked.items()}
        for reader in readers.values():
            reader.milliseconds(REQUESTS)
        samples.in_turn(TURNS, {name: partial(collect, times[name], readers[name]) for name in asked})
        p50, p99 = ({n: samples.percentile(t, percent) for n, t in times.items()} for percent in (50, 99))
        ratio = p99["large"] / p99["small"]
        title = {"project": "one project", "list": "20 newest of a workspace"}[kind]
        figures += [
            Figure(f"{title}: p99 among 1,000,000 ÷ p99 among 1,000", f"{ratio:.2f}", f"≤ {TARGET}", ratio <= TARGET),
            Figure(f"{title}: medians", f"{p50['small']:.2f} → {p50['large']:.2f} ms"),
            Figure(f"{title}: p99", f"{p99['small']:.2f} → {p99['large']:.2f} ms"),
        ]
    return figures


def collect(times: list[float], reader: Reader) -> float:
    found = reader.milliseconds(REQUESTS)
    times += found
    return sum(found)


@contextmanager
def among(folder: Path, teams: int) -> Iterator[tuple[int, dict[str, list[Read]]]]:
    """A gateway over so many teams: its port, and reads by people of different teams."""
    folder.mkdir()
    port = free_ports()
    with ground(folder, port) as here:
        with psycopg.connect(here.superuser_url) as connection:
            connection.execute(FILL.format(teams=teams, projects=teams * PROJECTS_A_TEAM).encode())
        reads = {"project": [], "list": []}  # type: dict[str, list[Read]]
        for n in random.Random(7).choices(range(1, teams + 1), k=PEOPLE):
            token = token_of(here, n)
            reads["project"].append(Read(f"/v1/projects/{id_of('prj', n)}", token_of(here, n % teams + 1)))
            reads["list"].append(Read(f"/v1/workspaces/{id_of('ws', n)}/projects", token))
        db.close()
        command = ["scripts.bench.served_gateway", str(folder), "1"]
        with server(command, port, "/health", folder / "gateway.log", here.environment()):
            yield port, reads


def key(kind: str, n: int) -> UUID:
    return UUID(md5(f"{kind}{n}".encode(), usedforsecurity=False).hexdigest())


def id_of(kind: str, n: int) -> str:
    return ids.encode(kind, key(kind, n))


def token_of(here: Ground, n: int) -> str:
    grants = (capabilities.DATABASE, capabilities.SIGNING_KEYS)
    with capabilities.granting("bench", grants), db.for_platform() as tx:
        return access_tokens.issue(tx, key("usr", n), key("ses", n))


class Reader:
    """One read after the other over one kept-open connection."""

    def __init__(self, port: int, reads: list[Read]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=10)
        self._reads, self._next = reads, 0

    def milliseconds(self, requests: int) -> list[float]:
        times = []
        for _ in range(requests):
            read = self._reads[self._next % len(self._reads)]
            self._next += 1
            begin = time.perf_counter()
            self._connection.request("GET", read.path, headers={"authorization": f"Bearer {read.token}"})
            answer = self._connection.getresponse()
            content = answer.read()
            times.append((time.perf_counter() - begin) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"{read.path} answered {answer.status}: {content!r}")
        return times
