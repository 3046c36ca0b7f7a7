"""What every declaration must hold, and what the schema must hold for the catalogue to be true."""

from __future__ import annotations

import inspect
import re
from typing import Any

import psycopg
import pytest
from slipway import capabilities, catalogue, discover, permissions
from slipway.ids import TypeId
from slipway.roles import APP, DOOR, OWNER, READER

from stacks.local.postgres import Server
from tests.conftest import TEMPLATE
from tests.contract.reach import places, reachable

FUNCTIONS = {f.spec.name: f for f in discover.functions()}
# What the platform does on its own behalf: routes and sockets are left to `db.transaction`.
BEFORE_LOGIN = {
    "accounts_register", "accounts_confirm", "accounts_login", "accounts_refresh", "accounts_verify_email",
    "accounts_request_password_reset", "accounts_reset_password", "oidc_log_in",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_file_begins_with_one_short_sentence(name: str) -> None:
    function = FUNCTIONS[name]
    doc = inspect.getdoc(inspect.getmodule(function.body)) or ""
    first = doc.split("\n")[0]
    assert re.fullmatch(r"[A-Z].*\.", first), f"{function.spec.module}: begin with a sentence, not {first!r}"
    assert len(first) <= 80, f"{function.spec.module}: say it in 80 characters, not {len(first)}"


def test_every_function_has_a_name_of_its_own() -> None:
    names = [f.spec.name for f in discover.functions()]
    assert sorted(names) == sorted(set(names))


def test_no_two_routes_answer_the_same_request() -> None:
    keys = [re.sub(r"\{\w+", "{", f.spec.key) for f in discover.routes()]
    assert sorted(keys) == sorted(set(keys)), "two routes differ only in the name of a variable"
    actions = [f.spec.action for f in discover.sockets()]
    assert sorted(actions) == sorted(set(actions))
    assert {"$connect", "$disconnect", "$default"} <= set(actions)


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS.values() if f.kind in ("http", "socket")], ids=lambda f: f.spec.name
)
def test_a_permission_exists_and_the_resource_is_named(function: Any) -> None:
    allow = function.spec.allow
    assert allow in permissions.ALL, f"{allow} is not in slipway.permissions"
    if allow in permissions.WITHOUT_ROLE and allow != "run:report":
        return
    if function.kind == "http":
        assert function.binding.scope_name, f"{allow} is a role's right: the path must name a resource by id"
        ids = [p for p in function.binding.parameters if any(isinstance(m, TypeId) for m in _metadata(p.annotation))]
        assert all(p.source == "path" for p in ids), "only the path decides whose resource it is"


def _metadata(annotation: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = getattr(annotation, "__metadata__", ())
    return found


def test_every_permission_is_used() -> None:
    used = {f.spec.allow for f in (*discover.routes(), *discover.sockets())}
    unused = permissions.ALL - used - {"public", "self"}
    assert not unused, "a permission without a route: remove it until there is one"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_declares_what_its_code_reaches(name: str) -> None:
    function = FUNCTIONS[name]
    declared = {c.name for c in function.spec.uses}
    missing = reachable(function) - declared
    assert not missing, f"{function.spec.module} can reach {sorted(missing)}: add it to uses=(…)"


def test_the_reading_of_the_code_finds_what_is_known_to_be_there() -> None:
    assert {"database", "runs_queue", "broadcast_queue"} <= reachable(FUNCTIONS["runs_create"]) | {"database"}
    assert {"worker_network", "workers_queue", "bundles_write"} <= reachable(FUNCTIONS["queue_runs"])
    assert "broadcast_queue" not in reachable(FUNCTIONS["projects_get"])
    assert ("slipway.rooms", "append") in places(FUNCTIONS["projects_create"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_functions_of_the_platform_act_for_a_team_or_for_the_platform(name: str) -> None:
    function = FUNCTIONS[name]
    doors = {door for module, door in places(function) if module == "slipway.db" and door.startswith("for_")}
    if function.kind in ("http", "socket"):
        assert "for_team" not in doors, f"{name} acts for a team without asking who calls: use the route's transaction"
        assert not doors or name in BEFORE_LOGIN, f"{name} reaches db.{sorted(doors)}: only {sorted(BEFORE_LOGIN)} may"


@pytest.mark.parametrize("consumer", discover.queues(), ids=lambda f: f.spec.queue.name)
def test_a_queue_hides_a_message_for_six_times_its_consumers_timeout(consumer: Any) -> None:
    assert consumer.spec.queue.visibility_seconds >= 6 * consumer.spec.timeout


def test_every_queue_has_one_consumer_and_one_capability_to_send() -> None:
    assert sorted(f.spec.queue.name for f in discover.queues()) == sorted(q.name for q in catalogue.QUEUES)
    assert capabilities.QUEUE_CAPABILITIES.keys() == {q.name for q in catalogue.QUEUES}


def test_every_prefix_has_a_capability_and_the_other_way_round() -> None:
    assert {c.resource for c in capabilities.ALL if c.kind == "objects"} == {p.name for p in catalogue.PREFIXES}


def test_every_capability_is_listed_and_declared_by_some_function() -> None:
    named = {c for c in vars(capabilities).values() if isinstance(c, capabilities.Capability)}
    assert named == set(capabilities.ALL)
    declared = {c for f in FUNCTIONS.values() for c in f.spec.uses}
    assert named == declared, "a capability that no function declares"


def test_routes_answer_within_the_gateways_time() -> None:
    for function in discover.routes():
        assert function.spec.timeout <= 29, f"{function.spec.name}: an HTTP API waits 29 s"


# ── The schema ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def schema(server: Server, template: tuple[str, str]) -> Any:
    with psycopg.connect(server.superuser_url, dbname=TEMPLATE, autocommit=True) as connection:
        yield connection


TABLES = {t.name: t for t in catalogue.TABLES}
COLUMNS = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"


def _rows(schema: Any, statement: str, *values: Any) -> list[Any]:
    return list(schema.execute(statement, values).fetchall())


def test_the_catalogue_names_every_table_and_no_other(schema: Any) -> None:
    found = _rows(
        schema,
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition""",
    )
    assert {row[0] for row in found} == TABLES.keys(), "add or remove its line in catalogue.TABLES"
    others = _rows(
        schema,
        """select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'm', 'v', 'S', 'f') and n.nspname not in ('public', 'local', 'information_schema')
              and n.nspname !~ '^pg_'""",
    )
    assert not others, "tables stand in schema public (local's queues in local); no views, no sequences"


@pytest.mark.parametrize("name", TABLES)
def test_a_tables_isolation_is_what_the_catalogue_says(name: str, schema: Any) -> None:
    ((forced, enabled),) = _rows(
        schema, "select relforcerowsecurity, relrowsecurity from pg_class where oid = %s::regclass", name
    )
    policies = dict(
        _rows(schema, "select policyname, qual from pg_policies where tablename = %s and roles = '{slipway_app}'", name)
    )
    key = "id" if name == "teams" else "team_id"
    columns = {row[0] for row in _rows(schema, COLUMNS, name)}
    if TABLES[name].tenant:
        assert (forced, enabled) == (True, True), f"{name} is a tenant's: force row-level security on it"
        assert key in columns
        assert f"({key} = ANY (" in policies["tenant"] and "app.teams()" in policies["tenant"]
    else:
        assert "tenant" not in policies, f"{name} has a tenant's policy: say tenant=True in the catalogue"
        if "user_id" in columns or name == "users":
            assert (forced, enabled) == (True, True) and "app.user_id()" in policies["own"], f"{name} is one user's"


def test_what_is_not_isolated_is_known(schema: Any) -> None:
    """Tables that every function may read: none of them may hold what belongs to somebody."""
    found = _rows(
        schema,
        """select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and relkind in ('r', 'p') and not relispartition and not relrowsecurity""",
    )
    known = {
        "registrations",
        "login_attempts",
        "oidc_logins",
        "plan_rates",
        "rate_buckets",
        "signing_keys",
        "plans",
        "plan_limits",
        "plan_prices",
        "platform",
        "workers",
        "outbox",
        "schema_migrations",
    }
    assert {row[0] for row in found} == known, "force row-level security, or say here why everybody may see it"


def test_a_partition_cannot_be_read_past_its_tables_policy(schema: Any) -> None:
    granted = _rows(
        schema,
        """select c.relname, r.rolname from pg_class c join pg_roles r on r.rolname in ('slipway_app', 'slipway_reader')
            where c.relispartition and c.relkind = 'r' and has_table_privilege(r.oid, c.oid, 'select')""",
    )
    assert not granted, "the policy is the partitioned table's: grant nothing on a partition"


def test_foreign_keys_between_tenants_tables_carry_the_team(schema: Any) -> None:
    found = _rows(
        schema,
        """select k.conrelid::regclass::text, k.confrelid::regclass::text,
                  array(select a.attname::text from unnest(k.conkey) c join pg_attribute a
                         on a.attrelid = k.conrelid and a.attnum = c)
             from pg_constraint k where k.contype = 'f' and k.conparentid = 0""",
    )
    checked = 0
    for source, target, columns in found:
        if source in TABLES and target in TABLES and TABLES[source].tenant and TABLES[target].tenant:
            checked += 1
            assert "team_id" in columns, (
                f"{source} → {target}: a foreign key sees through row-level security, add team_id"
            )
    assert checked > 10


def test_every_foreign_key_has_an_index_to_delete_by(schema: Any) -> None:
    missing = _rows(
        schema,
        """select k.conrelid::regclass::text, k.conname from pg_constraint k
            where k.contype = 'f' and k.conparentid = 0 and not exists (
              select from pg_index i where i.indrelid = k.conrelid
                 and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)""",
    )
    known = {  # plans are never deleted; tickets live for a minute. Only ever remove from here.
        ("platform", "platform_default_plan_fkey"),
        ("team_plans", "team_plans_plan_fkey"),
        ("socket_tickets", "socket_tickets_user_id_fkey"),
    }
    assert {tuple(row) for row in missing} <= known, "deleting the other row would read this whole table: add an index"


def test_the_application_role_owns_nothing_and_cannot_pass_the_policies(schema: Any) -> None:
    roles = _rows(
        schema,
        """select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles
            where rolname = any(%s)""",
        [APP, READER, DOOR, OWNER],
    )
    assert len(roles) == 4
    for name, *powers in roles:
        assert not any(powers), f"{name} has more power than it needs"
    owned = _rows(
        schema,
        """select relname from pg_class where pg_get_userbyid(relowner) = any(%s)
           union all select proname from pg_proc where pg_get_userbyid(proowner) = %s""",
        [APP, READER, DOOR],
        APP,
    )
    assert not owned
    members = _rows(
        schema,
        "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member "
        "where u.rolname = any(%s)",
        [APP, READER],
    )
    assert not members, "the application role is a member of another"
    assert not _rows(schema, "select 1 where has_schema_privilege(%s, 'public', 'create')", APP)


def test_a_function_that_sees_across_teams_states_its_search_path_and_belongs_to_the_door(schema: Any) -> None:
    found = _rows(
        schema,
        """select proname, pg_get_userbyid(proowner), coalesce(array_to_string(proconfig, ','), '')
             from pg_proc p join pg_namespace n on n.oid = p.pronamespace where prosecdef and n.nspname in ('app', 'public')""",
    )
    assert len(found) > 5
    for name, owner, config in found:
        assert "search_path=pg_catalog" in config, f"app.{name} could be made to call another's function"
        assert owner == DOOR or name in ("make_partitions", "drop_partitions"), f"app.{name} belongs to {owner}"
    public = _rows(
        schema,
        """select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'app' and has_function_privilege('public', p.oid, 'execute')""",
    )
    assert not public, "revoke execute from public"
