"""API keys and ended credentials over every route: never more than their scopes, their workspace, their time."""

from __future__ import annotations

import pytest
from slipway import discover
from slipway.permissions import SCOPES

from stacks.local.machine import Machine
from tests.contract import socket_events
from tests.contract.examples import examples
from tests.contract.test_access import (
    OF_ANY_ACCOUNT,
    OF_ANY_USER,
    OF_OPERATORS,
    OF_ROLES,
    OF_WORKERS,
    PUBLIC,
    ROUTES,
    rooms,
    send,
    still,
    unchanged,
)
from tests.contract.world import World

__all__ = ["still", "unchanged"]  # fixtures
# What the owner may and no key: the team itself, and one's own place in it.
NO_KEY_S = {name for name in OF_ROLES if ROUTES[name].spec.allow not in SCOPES}
# A key acts as its maker, but never on who the owners are.
REFUSED_BY_THE_NOUN = {"guests_leave"}


def test_a_key_with_every_scope_does_its_maker_s_work(world: World, copy: Machine) -> None:
    """The positive control."""
    done = 0
    for name in (n for n in examples(world) if n in OF_ROLES and n not in NO_KEY_S | REFUSED_BY_THE_NOUN):
        good = next(e for e in examples(world)[name] if e.status < 400)
        if good.by is world.owner:
            assert send(name, good, world.credentials["full"]).status == good.status, name
            done += 1
    assert done > 40


def test_a_key_is_refused_what_its_scopes_do_not_say(world: World, unchanged: None) -> None:
    for name in OF_ROLES:
        if ROUTES[name].spec.allow != "workspace:read":
            refused = send(name, examples(world)[name][0], world.credentials["narrow"])
            assert (refused.status, refused.json["code"]) == (403, "insufficient_scope"), name
            assert refused.json["required"] == ROUTES[name].spec.allow


def test_no_key_takes_or_destroys_a_team_or_makes_another_key(world: World, unchanged: None) -> None:
    assert {ROUTES[name].spec.allow for name in NO_KEY_S} == {
        "team:delete",
        "team:transfer",
        "team:leave",
        "key:create",
    }
    for name in NO_KEY_S:
        refused = send(name, examples(world)[name][0], world.credentials["full"])
        assert (refused.status, refused.json["code"]) == (403, "insufficient_scope"), name


def test_a_key_of_another_workspace_is_a_stranger(world: World, unchanged: None) -> None:
    for name in OF_ROLES:
        for example in examples(world)[name]:
            refused = send(name, example, world.credentials["elsewhere"])
            assert (refused.status, refused.json["code"]) == (404, "not_found"), name


def test_a_key_is_no_login(world: World, unchanged: None) -> None:
    for name in OF_ANY_USER | OF_OPERATORS:
        refused = send(name, examples(world)[name][0], world.credentials["full"])
        assert (refused.status, refused.json["code"]) == (403, "login_required"), name


@pytest.mark.parametrize("ended", ["expired", "revoked", "logged_out"])
def test_a_credential_that_has_ended_is_nobody_s(ended: str, world: World, unchanged: None) -> None:
    for name in ROUTES.keys() - PUBLIC - OF_WORKERS:
        refused = send(name, examples(world)[name][0], world.credentials[ended])
        assert (refused.status, refused.json["code"]) == (401, "unauthenticated"), name
        assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["expired", "revoked", "elsewhere"])
def test_a_socket_of_such_a_key_hears_nothing_here(name: str, world: World, copy: Machine) -> None:
    context = key_context(world.credentials[name])
    for action in {f.spec.action for f in discover.sockets() if f.spec.allow not in ("account", "self")}:
        for room in rooms(world):
            refused = socket_events.status(action, {"action": action, "room": room}, context, "key=")
            assert refused == (404 if name == "elsewhere" else 401)


def key_context(secret: str) -> dict[str, str]:
    """As when the socket was opened, while the key was good."""
    import hashlib

    from slipway import db
    from slipway.capabilities import DATABASE, granting
    from slipway.db import sql

    find = sql("select id, user_id from app.find_key(%(token_hash)s)")
    with granting("test", (DATABASE,)), db.for_platform() as tx:
        row = tx.one(find, token_hash=hashlib.sha256(secret.encode()).digest())
    assert row
    return {"kind": "user", "user_id": str(row["user_id"]), "key_id": str(row["id"])}


def test_who_may_what_is_complete() -> None:
    """Every route is in one of the matrix's groups, and so in each of its tests."""
    groups = [PUBLIC, OF_ANY_ACCOUNT, OF_ANY_USER, OF_OPERATORS, OF_WORKERS, set(OF_ROLES)]
    assert sum(map(len, groups)) == len(ROUTES)
    assert set().union(*groups) == ROUTES.keys()
