"""Every change leaves an audit event: the good example of every route that is no GET is sent, and the log has grown."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from slipway import db, discover

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.contract import world as worlds
from tests.contract.example import Example
from tests.contract.examples import examples
from tests.contract.test_access import send
from tests.contract.world import World

CHANGING = {route.spec.name for route in discover.routes() if route.spec.method != "GET"}
# What leaves none, each with its reason. This list may only get shorter.
SILENT = {
    "accounts_change_email": "sends a letter; whoever opens it changes the address, and that is in the log",
    "accounts_delete": "a person's own log goes with the account; the teams that they leave have it in theirs",
    "accounts_request_password_reset": "sends a letter, and tells nobody whether the address has an account",
    "accounts_resend_verification": "sends a letter again",
    "accounts_refresh": "goes on with a session that is in the log since the login",
    "rooms_ticket": "good for a minute and for what its maker may read anyway",
    "audit_verify": "changes nothing",
    "invitations_preview": "changes nothing",
    "oidc_exchange": "has no database; the assertion that it answers opens a session, and that is in the log",
    "oidc_start": "begins a login; nobody is known before it ends, and that is in the log",
    "worker_heartbeat": "a worker's report about a run that is in the log since somebody started it",
    "worker_output": "as worker_heartbeat; what a run prints is in its room",
    "worker_artifact": "as worker_heartbeat; what a run leaves is listed with it",
    "worker_result": "as worker_heartbeat; how a run ended stands in its row",
}


@pytest.fixture
def everything(server: Server, copy: Machine) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as connection:
        yield connection


def kept(everything: psycopg.Connection) -> tuple[int, int]:
    """How many events there are, of teams and of accounts."""
    row = everything.execute("select (select count(*) from audit_events), (select count(*) from account_events)")
    teams, accounts = row.fetchone() or (0, 0)
    return teams, accounts


def changing(world: World) -> Iterator[tuple[str, Example]]:
    """Every example of a route that changes something, in the order in which they work."""
    return ((name, example) for name, given in examples(world).items() if name in CHANGING for example in given)


def test_every_change_is_in_the_log_and_no_refusal(world: World, everything: psycopg.Connection) -> None:
    recorded: set[str] = set()
    refused: list[str] = []
    for name, example in changing(world):
        before = kept(everything)
        status = send(name, example, example.by).status
        if any(now > then for now, then in zip(kept(everything), before, strict=True)):
            recorded.add(name)
            if status >= 400:
                refused.append(name)
    missing, spoken = CHANGING - recorded - SILENT.keys(), SILENT.keys() - (CHANGING - recorded)
    assert not missing, f"{sorted(missing)}: call audit.record or account_events.record there"
    assert not spoken, f"{sorted(spoken)}: take it from SILENT, it leaves an event now (or is no route any more)"
    assert not refused, f"{refused}: what was refused was recorded as if it were a change"


def test_the_chains_of_all_teams_are_whole_after_all_that(world: World, everything: psycopg.Connection) -> None:
    for name, example in changing(world):
        send(name, example, example.by)
    db.close()
    query = """select w.broken_seq, w.events = h.seq from audit_heads h,
                      app.walk_audit(h.team_id, 0, app.audit_genesis(h.team_id), 100000) w"""
    assert {*everything.execute(query).fetchall()} == {(None, True)}
