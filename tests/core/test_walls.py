"""Two walls between tenants: each statement names its team (or user), and row-level security compares it once more.

Each wall is taken away in turn, statement by statement, and the other one must hold: first row-level security is off and
the statement names Bob's scope and Ann's things; then the statement's scope is gone, and Bob is under row-level security.
The control is the same statements as Ann herself, and with both walls gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from slipway.catalogue import TABLES
from slipway.db import Statement

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.api import Api, Person
from tests.core.furnished import furnished
from tests.core.statements import by_type, named
from tests.core.worker import Worker

SCOPE = re.compile(r"(\w+\.)?(team_id|user_id) = %\((team_id|user_id)\)s")
TENANT = tuple(table.name for table in TABLES if table.tenant)
OWN = tuple(table.name for table in TABLES if table.personal)
# Doors: SECURITY DEFINER functions find what must be found before the tenant is known, or work for the platform. Each
# has its reason in its migration, and its own tests.
DOOR = re.compile(r"\bapp\.\w+\(")
# A user's row is named by its own key, which is the caller's: no other column could say whose it is.
BY_THEIR_OWN_KEY = {
    "users.GET", "users.UPDATE", "passwords.GET", "passwords.SET", "passwords.RENEW", "email_addresses.VERIFY",
    "email_addresses.CHANGE", "accounts.INSERT_USER", "oidc.entry.INSERT_USER",
}  # fmt: skip

Parameters = dict[str, Any]


class Ground:
    """A superuser's connection that can put on the application's role, in transactions that are rolled back."""

    def __init__(self, connection: psycopg.Connection[Any], ann: Person, bob: Person) -> None:
        self.connection = connection
        self.ann, self.bob = ann, bob
        self.things = things(connection, ann)
        self.marks = {value for values in self.things.values() for value in values if isinstance(value, UUID | bytes)}

    def reached(self, text: str, parameters: Parameters, by: Person | None) -> bool:
        """Whether the statement finds or changes anything of Ann's. `by` None: row-level security is off."""
        with self.connection.transaction(force_rollback=True):
            before = self.digest()
            if by is not None:
                self.connection.execute("set local role slipway_app")
                self.connection.execute("select app.begin_request(%s, %s, null, '', null)", (by.user_id, by.session_id))
            try:
                with self.connection.transaction():
                    found = self.connection.execute(text.encode(), parameters)
                    rows = found.fetchall() if found.description else []
            except psycopg.Error:
                return False  # refused: by a policy, a key, a type
            if any(self.shown(row) for row in rows):
                return True
            self.connection.execute("reset role")
            return before != self.digest()

    def shown(self, row: dict[str, Any]) -> bool:
        """Whether a row tells something of Ann's. Where nobody's own tables are asked, Bob has nothing to be told."""
        values = [v for value in row.values() for v in (value if isinstance(value, list) else [value])]
        return any(value in self.marks for value in values if isinstance(value, UUID | bytes))

    def digest(self) -> list[Any]:
        """Of every row that is Ann's or her team's."""
        made = []
        for table in (*TENANT, *OWN):
            column = {"teams": "id", "users": "id"}.get(table, "team_id" if table in TENANT else "user_id")
            value = self.things["team_id"][0] if table in TENANT else self.ann.user_id
            rows = f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t where {column} = %s"
            made.append(self.connection.execute(rows, (value,)).fetchone())
        return made

    def tries(self, statement: Statement, **scope: Any) -> Iterator[Parameters]:
        """The statement's parameters pointing at Ann's things; what is called only `id` could be any of them."""
        typed = by_type(self.connection, statement)
        given = {name: self.things[name][0] if name in self.things else value for name, value in typed.items()}
        given |= {name: value for name, value in scope.items() if name in typed}
        yield given
        for thing in self.things["id"]:
            if "id" in typed:
                yield given | {"id": thing}
            elif "ids" in typed:
                yield given | {"ids": [thing]}


def things(connection: psycopg.Connection[Any], ann: Person) -> dict[str, list[Any]]:
    """Ann's values by the names that parameters have: columns of her rows, and her ids, all of them under `id`."""
    found: dict[str, list[Any]] = {}
    ids: list[Any] = []
    for table in (*TENANT, *OWN):
        row = connection.execute(f"select * from {table} limit 1").fetchone() or {}
        for name, value in row.items():
            found.setdefault(name, [value])
        if "id" in row:
            ids.append(row["id"])
            found[f"{table.removesuffix('s')}_id"] = [row["id"]]
    return {
        **found,
        "user_id": [ann.user_id],
        "id": ids,
        "sha256s": [[found["sha256"][0]]],
        "before": [UUID(int=2**128 - 1)],
    }


def scoped() -> list[tuple[str, Statement]]:
    """The statements that touch a tenant's or a person's tables without a door."""
    tables = re.compile(rf"\b({'|'.join([*TENANT, *OWN])})\b")
    return [
        (name, s) for name, s in named() if tables.search(s) and not DOOR.search(s) and not name.startswith("migrate")
    ]


@pytest.fixture
def ground(
    api: Api, server: Server, machine: Machine, everything: psycopg.Connection, workers: Callable[[], Worker]
) -> Iterator[Ground]:
    ann, bob = furnished(api, everything, workers), api.register("Bob")
    name = psycopg.conninfo.conninfo_to_dict(machine.owner_url)["dbname"]
    with psycopg.connect(server.superuser_url, dbname=name, autocommit=True, row_factory=dict_row) as connection:
        yield Ground(connection, ann, bob)


def test_every_statement_names_its_team_or_its_user() -> None:
    nameless = {
        name for name, s in scoped() if not re.search(r"%\((team_id|user_id)\)s", s) and name not in BY_THEIR_OWN_KEY
    }
    assert nameless == set(), "scope it by team_id or user_id, or go through a function of schema app"


def test_without_row_level_security_the_scope_of_each_statement_holds(ground: Ground) -> None:
    mine = {"team_id": UUID(int=1), "user_id": ground.bob.user_id}
    open_to_bob = []
    for name, statement in scoped():
        scope = {"team_id": mine["team_id"]} if "%(team_id)s" in statement else mine
        if name not in BY_THEIR_OWN_KEY and any(
            ground.reached(statement, p, None) for p in ground.tries(statement, **scope)
        ):
            open_to_bob.append(name)
    assert open_to_bob == []


def test_without_its_scope_row_level_security_stops_each_statement(ground: Ground) -> None:
    open_to_bob = []
    for name, statement in scoped():
        for text in {str(statement), SCOPE.sub("true", statement)}:
            if any(ground.reached(text, p, ground.bob) for p in ground.tries(statement)):
                open_to_bob.append(name)
    assert open_to_bob == []


def test_with_both_walls_gone_the_same_statements_reach_what_is_ann_s(ground: Ground) -> None:
    """The control: what is refused above is refused by the wall that was left."""
    every = scoped()
    by_ann = {n for n, s in every if any(ground.reached(s, p, ground.ann) for p in ground.tries(s))}
    by_anyone = {
        n
        for n, s in every
        if any(ground.reached(SCOPE.sub("true", s), p, None) for p in ground.tries(s, user_id=UUID(int=2)))
    }
    # The others insert what is there already, or ask for a state that her rows are not in.
    assert len(by_ann) > 0.45 * len(every), sorted({n for n, _ in every} - by_ann)
    assert len(by_anyone) > 0.45 * len(every)
