"""The first wall is taken away, route by route: no permission is asked for, and every caller is taken for an owner of the
team that the request names. What is left is the scope of each statement and row-level security, which do not believe it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slipway import db, frames, http, ids

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.contract import socket_events
from tests.contract.examples import examples
from tests.contract.test_access import OF_ANY_CONNECTION, OF_ROLES, digest, rooms, send, still
from tests.contract.world import World, inhabited

__all__ = ["still"]  # a fixture
EMPTY: tuple[Any, ...] = ([], {}, None, "", 0)
# Sums that are zero, a file with nothing but its head, a chain of no events: read once, and found to tell nothing.
FIGURES_OF_NOTHING = {"audit_verify", "usage_export", "usage_get"}
OWN = {"idempotency_keys"}  # the stranger's own answers, kept for a retry


@pytest.fixture
def unchecked(world: World, still: Machine, monkeypatch: pytest.MonkeyPatch) -> Any:
    team = ids.decode("team", world.team)

    def believe(tx: db.Transaction, caller: Any, row: Any, kind: str) -> Any:
        return replace(caller, _team_id=team, role="owner", scopes=None)

    monkeypatch.setattr(db, "_known", believe)
    monkeypatch.setattr(http, "permit", lambda *_: None)
    monkeypatch.setattr(frames, "permit", lambda *_: None)
    with inhabited(still):
        yield
        db.close()


def test_the_check_is_what_was_taken_away(world: World, unchecked: None) -> None:
    """The control: a viewer, whom the database lets see the team, now does what only an owner may."""
    example = examples(world)["projects_update"][0]
    assert send("projects_update", example, world.roles["viewer"]).status == 200


@pytest.mark.parametrize("name", OF_ROLES)
def test_a_stranger_who_is_believed_to_be_an_owner_gets_nothing(
    name: str, world: World, server: Server, still: Machine, unchecked: None
) -> None:
    before = digest(server, still)
    for example in examples(world)[name]:
        answer = send(name, example, world.stranger)
        if answer.status < 400 and answer.content and name not in FIGURES_OF_NOTHING:
            told = answer.json if answer.headers["content-type"] == "application/json" else answer.content
            assert empty(told), f"{name} tells a stranger {answer.content[:300]!r}"
    after = digest(server, still)
    assert {table for table in before if after[table] != before[table]} <= OWN, (
        f"{name} lets a stranger change something"
    )


def empty(told: Any) -> bool:
    """A page without rows, a sum of nothing: what is answered about a team in which nothing is to be seen."""
    if isinstance(told, dict):
        return all(empty(value) for key, value in told.items() if key not in ANYBODY_S)
    return told in EMPTY or isinstance(told, bool)


# What stands in an answer about nothing: the question, and what the plan's figures are for everybody.
ANYBODY_S = {"team_id", "plan", "title", "since", "until", "limits", "interval", "by", "meter", "head", "hash", "noted"}


@pytest.mark.parametrize("action", sorted(socket_events.ACTIONS.keys() - OF_ANY_CONNECTION))
def test_a_stranger_s_socket_hears_nothing(action: str, world: World, unchecked: None) -> None:
    stranger = socket_events.user(world.stranger)
    socket_events.status("$connect", None, stranger, "stranger=")
    for room in rooms(world):
        answer = socket_events.ACTIONS[action](
            socket_events.event(action, {"action": action, "id": 1, "room": room, "after": 0}, stranger, "stranger="),
            None,
        )
        assert '"ok": false' in answer["body"] or '"data": null' in answer["body"], answer
