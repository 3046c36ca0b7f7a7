"""Who belongs to one workspace only, over every route and action: all of it by role, nothing of the team around it."""

from __future__ import annotations

import pytest
from slipway import discover
from slipway.permissions import allows

from stacks.local.machine import Machine
from tests.contract import socket_events
from tests.contract import world as worlds
from tests.contract.examples import examples
from tests.contract.test_access import OF_ANY_CONNECTION, OF_ROLES, ROUTES, rooms, send, still, unchanged
from tests.contract.world import World

__all__ = ["still", "unchanged"]  # fixtures
OF_TEAMS = {name for name in OF_ROLES if ROUTES[name].binding.scope_kind == "team"}


@pytest.mark.parametrize("role", worlds.GUESTS)
def test_a_guest_does_what_the_role_allows_in_the_workspace(role: str, world: World, copy: Machine) -> None:
    """The positive control. What needs no more than the role is answered as it is answered the owner."""
    done = 0
    for name in (n for n in examples(world) if n in OF_ROLES and n not in OF_TEAMS and n != "guests_leave"):
        if allows(role, ROUTES[name].spec.allow):
            good = next(e for e in examples(world)[name] if e.status < 400)
            assert send(name, good, world.guests[role]).status == good.status, name
            done += 1
    assert done > 5


@pytest.mark.parametrize("role", worlds.GUESTS)
def test_a_guest_is_refused_what_the_role_does_not_allow(role: str, world: World, unchanged: None) -> None:
    for name in set(OF_ROLES) - OF_TEAMS:
        if not allows(role, ROUTES[name].spec.allow):
            refused = send(name, examples(world)[name][0], world.guests[role])
            assert (refused.status, refused.json["code"]) == (403, "forbidden"), name


@pytest.mark.parametrize("role", worlds.GUESTS)
def test_the_team_does_not_exist_for_a_guest(role: str, world: World, unchanged: None) -> None:
    for name in OF_TEAMS:
        refused = send(name, examples(world)[name][0], world.guests[role])
        assert (refused.status, refused.json["code"]) == (404, "not_found"), name


def test_a_guest_of_another_workspace_is_a_stranger(world: World, unchanged: None) -> None:
    for name in OF_ROLES:
        for example in examples(world)[name]:
            refused = send(name, example, world.outsider)
            assert (refused.status, refused.json["code"]) == (404, "not_found"), name


@pytest.mark.parametrize("action", sorted({f.spec.action for f in discover.sockets()} - OF_ANY_CONNECTION))
def test_a_guest_listens_in_the_workspace_and_an_outsider_does_not(action: str, world: World, copy: Machine) -> None:
    viewer, outsider = (socket_events.user(p) for p in (world.guests["guest_viewer"], world.outsider))
    assert socket_events.status("$connect", None, viewer, "guest=") == 200
    assert socket_events.status("$connect", None, outsider, "outsider=") == 200
    for room in rooms(world):
        message = {"action": action, "room": room}
        assert socket_events.status(action, message, viewer, "guest=") == 200
        assert socket_events.status(action, message, outsider, "outsider=") == 404
