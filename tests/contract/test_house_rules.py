"""The house rules that a reader of one file cannot see: who may use SQL, the environment, an SDK, a framework, a door.

Reads the source, runs none of it. A list of exceptions may only get shorter.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from slipway import settings

from tests.contract.sources import CORE, PRODUCT, SOURCES, imports, tree

ENVIRONMENT = {
    f"{CORE}/settings.py": "every setting is read here",
    "stacks/local/cli.py": "takes DATABASE_URL away from the processes that it starts",
    "layers/sandbox/slipway_sandbox/address.py": "a worker has no settings: where ECS says what its address is",
    "layers/sandbox/slipway_sandbox/check.py": "what runs inside the jail looks for what it should not find",
}
SDK = {
    f"{CORE}/aws.py": "the capabilities on AWS",
    "stacks/local/signature.py": "checks signatures as AWS does",
    "stacks/local/posts.py": "signs posts to @connections",
    "stacks/invoke_on_deploy.py": "runs on AWS while a stack is deployed",
    "scripts/oracle.py": "asks a second emulator about the templates",
}
FRAMEWORK = {
    f"{CORE}/single.py": "the second HTTP shell",
}
# SQL outside the core: the tables of the one-machine stack, and of no product.
OWN_TABLES = {
    f"stacks/local/{name}.py"
    for name in (
        "postgres",
        "queue_poll",
        "queues",
        "roles",
        "schedules",
        "sessions",
        "task_state",
        "tasks",
        "up",
        "consumers",
    )
}
UNREGISTERED_SQL = {
    f"{CORE}/db.py": "the door's first statement",
    f"{CORE}/migrate.py": "the schema's own owner",
    f"{CORE}/roles.py": "before there is a schema",
}
# Who may act without a caller; test_declarations.py holds that no route gets there.
DOORS = {
    "email_addresses", "email_tokens", "inquiries", "logins", "password_changes", "sessions", "oidc/entry",
    "audit_chain", "key_tokens", "stacks/local/audit_command",
    "access_tokens", "accounts", "connections", "expiry", "outbox", "platform", "quotas",
    "partitions", "runs/dispatch", "runs/reconcile", "usage/counters", "usage/notices", "usage/replay", "workers",
}  # fmt: skip
SQL = re.compile(
    r"\s*(select\b.+\bfrom\b|insert into\b|update \w+( \w+)? set\b|delete from\b|with \w+ as\b|create table\b)",
    re.I | re.S,
)


def importing(*packages: str) -> set[str]:
    return {f for f in PRODUCT if any(module.partition(".")[0] in packages for module in imports(f))}


def same(found: set[str], allowed: dict[str, str], what: str) -> None:
    assert not found - allowed.keys(), (
        f"{what}: {sorted(found - allowed.keys())} may not; it belongs into {next(iter(allowed))}"
    )
    gone = {f for f in allowed.keys() - found if f in SOURCES}
    assert not gone, f"{what}: take {sorted(gone)} off the list, they do it no longer"


def test_the_environment_is_read_in_one_place() -> None:
    found = {
        file
        for file in PRODUCT
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and any("env" in a.name for a in node.names))
    }
    same(
        found | {f for f in PRODUCT if f in ENVIRONMENT and "os.environ" in SOURCES[f].read_text()},
        ENVIRONMENT,
        "os.environ",
    )


def test_the_sdk_is_used_in_one_place() -> None:
    same(importing("boto3", "botocore"), SDK, "boto3")


def test_the_framework_is_used_in_one_place() -> None:
    same(importing("fastapi", "mangum", "starlette"), FRAMEWORK, "FastAPI")


def test_the_sdk_and_the_single_shell_are_imported_late() -> None:
    """At the top of a module they would cost every function that gets there."""
    for file in PRODUCT:
        top = {m for node in tree(file).body if isinstance(node, (ast.Import, ast.ImportFrom)) for m in _of(node)}
        assert file.startswith(("stacks/", "scripts/")) or not {"boto3", "botocore"} & {
            m.partition(".")[0] for m in top
        }, file
        assert "slipway.single" not in top, f"{file}: import slipway.single where it is needed"


def _of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def test_functions_never_import_functions() -> None:
    for file in PRODUCT:
        if file.startswith(("functions/", "layers/")):
            assert not [m for m in imports(file) if m.partition(".")[0] == "functions"], (
                f"{file}: move what is shared to the core"
            )


def test_the_layers_do_not_know_the_stacks() -> None:
    for file in PRODUCT:
        if file.startswith(("functions/", "layers/")):
            assert not [m for m in imports(file) if m.partition(".")[0] in ("stacks", "tests", "scripts")], file


def test_one_machine_never_imports_the_cdk() -> None:
    for file in PRODUCT:
        if file.startswith("stacks/local/"):
            assert not [m for m in imports(file) if m.partition(".")[0] in ("aws_cdk", "constructs", "cdk_nag")], file


# ── SQL ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def statements(file: str) -> Iterator[tuple[ast.expr, bool]]:
    """Every string that reads as SQL, and whether it is an argument of `sql(…)`."""
    registered: set[int] = set()
    docs: set[int] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sql":
            registered.update(id(part) for argument in node.args for part in ast.walk(argument))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docs.add(id(node.value))
    for node in ast.walk(tree(file)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docs
            and SQL.match(node.value)
        ):
            yield node, id(node) in registered


def test_sql_stands_in_the_core_and_is_registered() -> None:
    unregistered = set()
    for file in PRODUCT:
        for node, registered in statements(file):
            if file.startswith(f"{CORE}/"):
                if not registered:
                    unregistered.add(file)
            else:
                assert file in OWN_TABLES, f"{file}:{node.lineno}: SQL belongs into {CORE}"
    same(unregistered, UNREGISTERED_SQL, "SQL outside sql(…)")


def test_the_reading_of_sql_sees_what_is_there() -> None:
    registered = [f for f in PRODUCT if f.startswith(f"{CORE}/") for _, yes in statements(f) if yes]
    assert len(registered) > 50, "the control: the core has statements"


def test_who_acts_without_a_caller_is_on_the_list() -> None:
    found = {
        file.removeprefix(f"{CORE}/").removesuffix(".py")
        for file in PRODUCT
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and node.attr in ("for_team", "for_platform", "for_user")
    }
    assert found <= DOORS, (
        f"{sorted(found - DOORS)}: begin with db.transaction(caller, …), or add the module here and say why"
    )


def test_nothing_listens_on_all_interfaces() -> None:
    for file in PRODUCT:
        for node in ast.walk(tree(file)) if file.startswith(("functions/", "layers/", "stacks/local/")) else ():
            if isinstance(node, ast.Constant) and node.value in ("0.0.0.0", "::"):
                raise AssertionError(f"{file}:{node.lineno} listens on all interfaces: name the one")


# ── Settings ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_that_is_read_is_declared_and_the_other_way_round() -> None:
    declared = {setting.name for setting in settings.SETTINGS}
    named = re.compile(r"SLIPWAY_[A-Z_]+")
    read: set[str] = set()
    for file in PRODUCT:
        if file != f"{CORE}/settings.py" and file.startswith(("layers/core", "functions/")):
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    read.update(named.findall(node.value))
    prefixes = {r for r in read if r.endswith("_")}  # f"SLIPWAY_QUEUE_{name}"
    unknown = {r for r in read - prefixes if r not in declared}
    assert not unknown, f"{sorted(unknown)}: declare it in settings.SETTINGS"
    unread = {d for d in declared - read if not any(d.startswith(p) for p in prefixes)}
    assert unread <= {"SLIPWAY_FUNCTION", "SLIPWAY_SMTP_URL"}, (
        f"{sorted(unread)}: nobody reads it, remove it from settings.SETTINGS"
    )


def test_every_setting_says_what_it_is() -> None:
    for setting in settings.SETTINGS:
        assert setting.what.endswith(".") and len(setting.what) > 15, setting.name
