"""What is not declared cannot be reached, whatever the code tries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from slipway import capabilities, discover
from slipway.capabilities import DATABASE, UndeclaredUse, granting, use
from slipway.route import Route

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.contract import world as worlds
from tests.contract.examples import examples
from tests.contract.test_shells import sent
from tests.contract.world import World

ROUTES = {route.spec.name: route for route in discover.routes()}


@pytest.mark.parametrize("capability", capabilities.ALL, ids=lambda c: c.name)
def test_an_undeclared_capability_is_not_handed_out(capability: Any, prepared: tuple[Machine, World]) -> None:
    others = [c for c in capabilities.ALL if c is not capability]
    with worlds.inhabited(prepared[0]):
        with (
            granting("some_function", others),
            pytest.raises(UndeclaredUse, match=f"some_function used {capability.name}"),
        ):
            use(capability)
        with pytest.raises(UndeclaredUse, match="no function"):
            use(capability)
        with granting("some_function", [capability]):
            assert use(capability) is not None


def without(route: Route, name: str) -> Route:
    """The route as if its declaration had forgotten one capability."""
    return Route(replace(route.spec, uses=tuple(c for c in route.spec.uses if c.name != name)), route.body)


@pytest.mark.parametrize(
    ("name", "forgotten"),
    [
        ("projects_get", "database"),
        ("accounts_login", "signing_keys"),
        ("artifacts_get", "artifacts_read"),
        ("worker_artifact", "artifacts_write"),
        ("runs_create", "runs_queue"),
        ("files_put", "broadcast_queue"),
    ],
)
def test_a_route_that_forgot_a_capability_fails_on_the_laptop_too(
    name: str, forgotten: str, world: World, copy: Machine
) -> None:
    good = examples(world)[name][0]
    route, event = ROUTES[name], sent(name, good)
    assert forgotten in {c.name for c in route.spec.uses}
    answer = without(route, forgotten)(event, None)
    assert answer["statusCode"] == 500
    assert route(event, None)["statusCode"] < 400, "the control: it works as declared"


def test_a_grant_ends_with_the_function(server: Server, world: World, copy: Machine) -> None:
    assert ROUTES["meta_health"](sent("meta_health", examples(world)["meta_health"][0]), None)["statusCode"] == 200
    with pytest.raises(UndeclaredUse):
        use(DATABASE)
    with granting("outer", [DATABASE]):
        with granting("inner", []), pytest.raises(UndeclaredUse, match="inner"):
            use(DATABASE)
        address = use(DATABASE).conninfo()
    with psycopg.connect(address) as connection:
        row = connection.execute("select current_user, current_database()").fetchone()
        assert row == ("slipway_app", worlds.name_of(copy))
