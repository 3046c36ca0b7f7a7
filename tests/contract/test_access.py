"""Every route and every WebSocket action, driven as nobody, as a stranger, as the weaker roles and with the wrong kind of
token. Refused means refused: the database is the same afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import psycopg
import pytest
from slipway import db, discover
from slipway.permissions import WITHOUT_ROLE, allows

from stacks.local.machine import Machine
from stacks.local.postgres import Server
from tests.api import Api, Person, Response
from tests.contract import socket_events
from tests.contract import world as worlds
from tests.contract.example import Example
from tests.contract.examples import examples
from tests.contract.world import CONNECTION, ENDING_TOKEN, RUN_TOKEN, World

ROUTES = {route.spec.name: route for route in discover.routes()}
# The exceptions, all of them. Each list may only get shorter; a longer one is a decision for a review.
PUBLIC = {
    "accounts_confirm", "accounts_login", "accounts_refresh", "accounts_register", "accounts_request_password_reset",
    "accounts_reset_password", "accounts_verify_email", "meta_health", "meta_keys", "meta_version", "oidc_exchange",
    "oidc_list", "oidc_log_in", "oidc_start", "plans_list",
}  # fmt: skip
OF_ANY_ACCOUNT = {"accounts_me", "guests_mine", "keys_current", "rooms_ticket", "teams_list"}
OF_ANY_USER = {
    "accounts_change_email", "accounts_change_password", "accounts_delete", "accounts_events", "accounts_export",
    "accounts_logout", "accounts_resend_verification", "accounts_update", "identities_link", "identities_list",
    "identities_unlink", "invitations_accept", "invitations_preview", "keys_mine", "keys_revoke_mine", "sessions_list",
    "sessions_revoke", "sessions_revoke_all", "teams_create",
}  # fmt: skip
OF_OPERATORS = {"operator_find_teams", "operator_set_plan", "operator_set_limit", "operator_clear_limit"}
OF_WORKERS = {"worker_heartbeat", "worker_output", "worker_artifact", "worker_result"}
OF_ANY_CONNECTION = {"$connect", "$disconnect", "$default", "ping"}
# Everybody may leave, and make a key of their own, which can do no more than they can.
OF_ONESELF = {"guests_leave", "members_leave", "keys_create", "keys_rotate"}
OF_ROLES = sorted(name for name, route in ROUTES.items() if route.spec.allow not in WITHOUT_ROLE)
UNMARKED = {"rate_buckets", "login_attempts"}  # a refused request counts too
INVALID = ("x", "slp_sk_abc", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "Bearer x", "\u00fc")


def send(name: str, example: Example, by: Person | str | None) -> Response:
    spec = ROUTES[name].spec
    options = {"query": example.query, "headers": example.headers}
    return Api().call(spec.key, example.body, by=by, **options, **example.path)


@pytest.fixture(scope="module")
def still(server: Server, prepared: tuple[Machine, World]) -> Iterator[Machine]:
    """One copy of the world for all the tests that are refused everything."""
    machine, _ = prepared
    with worlds.database(server, machine, worlds.name_of(machine)) as made:
        yield made


@pytest.fixture
def unchanged(server: Server, still: Machine) -> Iterator[None]:
    """The database after the test is what it was before."""
    before = digest(server, still)
    with worlds.inhabited(still):
        yield
        db.close()
    assert digest(server, still) == before, "something that was refused has left its mark"


def digest(server: Server, machine: Machine) -> dict[str, str]:
    """A hash of each table's rows."""
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(machine), autocommit=True) as connection:
        tables = connection.execute(
            """select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname in ('public', 'local') and c.relkind = 'r'"""
        ).fetchall()
        found = {}
        for table in {name for (name,) in tables} - UNMARKED:
            rows = connection.execute(f"select t::text from {table} t order by 1").fetchall()
            found[table] = hashlib.sha256(repr(rows).encode()).hexdigest()
        return found


def test_the_exceptions_are_those_that_are_written_here() -> None:
    by_permission = {
        permission: {name for name, route in ROUTES.items() if route.spec.allow == permission}
        for permission in WITHOUT_ROLE
    }
    expected = {"public": PUBLIC, "account": OF_ANY_ACCOUNT, "self": OF_ANY_USER, "run:report": OF_WORKERS}
    assert by_permission == {**expected, "operator": OF_OPERATORS}, (
        "a route without a role was added or removed: is that meant? Then change the list in tests/contract/test_access.py"
    )
    assert {a for a, f in socket_events.ACTIONS.items() if f.spec.allow == "account"} == OF_ANY_CONNECTION


def test_the_same_requests_succeed_for_those_who_may(world: World, copy: Machine) -> None:
    """The positive control: what is refused below is refused because of who asks."""
    for name, given in examples(world).items():
        good = next(e for e in given if e.status < 400)
        assert send(name, good, good.by).status == good.status, name


def test_nobody_is_asked_to_log_in(world: World, unchanged: None) -> None:
    for name in ROUTES.keys() - PUBLIC:
        for example in examples(world)[name]:
            refused = send(name, example, None)
            assert (refused.status, refused.json["code"]) == (401, "unauthenticated"), name
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["www-authenticate"] == "Bearer"


def test_a_credential_that_is_no_good_is_nobodys(world: World, unchanged: None) -> None:
    for name in ROUTES.keys() - PUBLIC:
        for token in INVALID:
            refused = send(name, examples(world)[name][0], token)
            assert (refused.status, refused.json["code"]) == (401, "unauthenticated"), (name, token)
            assert refused.json["detail"], "say why"


def test_a_stranger_learns_nothing(world: World, unchanged: None) -> None:
    for name in OF_ROLES:
        for example in examples(world)[name]:
            refused = send(name, example, world.stranger)
            assert (refused.status, refused.json["code"]) == (404, "not_found"), name
            nowhere = {k: v if k == "path" else f"{v.partition('_')[0]}_{'0' * 26}" for k, v in example.path.items()}
            unknown = send(name, Example(404, path=nowhere, body=example.body), world.stranger)
            assert {**unknown.json, "request_id": "", "instance": ""} == {
                **refused.json, "request_id": "", "instance": "",
            }, f"{name}: what is hidden and what does not exist are told apart"  # fmt: skip


@pytest.mark.parametrize("role", worlds.ROLES)
def test_a_role_is_refused_what_it_may_not_do(role: str, world: World, unchanged: None) -> None:
    refusals = 0
    for name in OF_ROLES:
        if allows(role, ROUTES[name].spec.allow):
            continue
        for example in examples(world)[name]:
            refused = send(name, example, world.roles[role])
            assert (refused.status, refused.json["code"]) == (403, "forbidden"), (name, refused.json)
            assert refused.json["required"] == ROUTES[name].spec.allow
            refusals += 1
    assert refusals or role == "admin"


def test_viewers_and_bookkeepers_change_nothing() -> None:
    """Said apart from the table of roles, which a slip of the pen could change."""
    for name in OF_ROLES:
        spec = ROUTES[name].spec
        if spec.method != "GET" and name not in OF_ONESELF:
            assert not allows("viewer", spec.allow), f"{name} lets a viewer change something"
            assert not allows("billing", spec.allow), f"{name} lets a bookkeeper change something"


def test_a_run_token_is_no_users(world: World, unchanged: None) -> None:
    for name in ROUTES.keys() - PUBLIC - OF_WORKERS:
        refused = send(name, examples(world)[name][0], RUN_TOKEN)
        assert (refused.status, refused.json["code"]) == (401, "unauthenticated"), name


def test_a_user_does_not_report_for_a_worker(world: World, unchanged: None) -> None:
    for name in OF_WORKERS:
        for person in (world.owner, world.roles["admin"], world.stranger):
            refused = send(name, examples(world)[name][0], person)
            assert (refused.status, refused.json["code"]) == (401, "unauthenticated"), name


def test_a_worker_reports_about_its_own_run_only(world: World, unchanged: None) -> None:
    for name in OF_WORKERS:
        example = next(e for e in examples(world)[name] if e.status < 400)
        other = ENDING_TOKEN if example.by == RUN_TOKEN else RUN_TOKEN
        for token in (other, "slp_run_" + "u" * 43):
            refused = send(name, example, token)
            assert (refused.status, refused.json["code"]) == (409, "stale_attempt"), name


def test_a_removed_members_token_reaches_nothing_of_the_team(server: Server, world: World, copy: Machine) -> None:
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as everything:
        everything.execute("delete from team_members where role = 'editor'")
    for name in OF_ROLES:
        assert send(name, examples(world)[name][0], world.roles["editor"]).status == 404, name


# ── WebSocket ───────────────────────────────────────────────────────────────────────────────────────────────────


def rooms(world: World) -> list[str]:
    return [world.project, world.workspace, world.run]


@pytest.mark.parametrize("context", [None, {}, {"kind": "nobody"}, {"kind": "run", "token_hash": "00" * 32}])
def test_an_action_is_refused_without_a_user(context: dict[str, str] | None, world: World, unchanged: None) -> None:
    for action in socket_events.ACTIONS:
        message = {"action": action, "id": 1, "room": world.project}
        assert socket_events.status(action, message, context, "stranger=") == 401, action


@pytest.mark.parametrize("action", sorted(socket_events.ACTIONS.keys() - OF_ANY_CONNECTION))
def test_an_action_on_anothers_room_is_refused(action: str, world: World, unchanged: None) -> None:
    for room in rooms(world):
        message = {"action": action, "room": room}
        assert socket_events.status(action, message, socket_events.user(world.stranger), "stranger=") == 404
        assert socket_events.status(action, message, socket_events.user(world.roles["billing"]), "billing=") == 403
    for nowhere in ("prj_x", "", "usr_" + "0" * 26, world.team, "prj_" + "0" * 26):
        message = {"action": action, "room": nowhere}
        assert socket_events.status(action, message, socket_events.user(world.owner), CONNECTION) in (404, 422)


@pytest.mark.parametrize("action", sorted(socket_events.ACTIONS.keys() - OF_ANY_CONNECTION))
def test_an_action_works_for_members_and_no_longer_when_they_are_removed(
    action: str, server: Server, world: World, copy: Machine
) -> None:
    viewer = socket_events.user(world.roles["viewer"])
    assert socket_events.status("$connect", None, viewer, "viewer=") == 200
    for room in rooms(world):
        assert socket_events.status(action, {"action": action, "room": room}, viewer, "viewer=") == 200
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as everything:
        everything.execute("delete from team_members where role = 'viewer'")
    for room in rooms(world):
        assert socket_events.status(action, {"action": action, "room": room}, viewer, "viewer=") == 404


def test_a_connections_end_is_not_reported_for_it_by_another(server: Server, world: World, copy: Machine) -> None:
    assert socket_events.status("$disconnect", None, socket_events.user(world.stranger), CONNECTION) == 200
    with psycopg.connect(server.superuser_url, dbname=worlds.name_of(copy), autocommit=True) as everything:
        assert everything.execute("select count(*) from connections where id = %s", (CONNECTION,)).fetchone() == (1,)


def test_a_ticket_opens_one_connection_and_no_second(world: World, copy: Machine) -> None:
    authorizer = next(a for a in discover.authorizers() if a.spec.api == "socket")
    ticket = send("rooms_ticket", Example(201), world.owner).json["ticket"]

    def effect(given: dict[str, str] | None) -> str:
        asked = {"requestContext": {"requestId": "r"}, "methodArn": "arn:x", "queryStringParameters": given}
        said = authorizer(asked, None)
        return str(said["policyDocument"]["Statement"][0]["Effect"])

    tried = [
        None,
        {},
        {"ticket": ""},
        {"ticket": "x"},
        {"ticket": world.owner.token},
        {"ticket": ticket},
        {"ticket": ticket},
    ]
    assert [effect(given) for given in tried] == ["Deny"] * 5 + ["Allow", "Deny"]
