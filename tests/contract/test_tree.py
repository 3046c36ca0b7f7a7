"""The tree as a reader finds it: short files, named for what they are, each with its test."""

from __future__ import annotations

import pytest

from tests.contract.sources import CORE, FOLDERS, PRODUCT, SOURCES

MAX_LINES = 300
FORBIDDEN_NAMES = {
    "service",
    "services",
    "repository",
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "common",
    "misc",
}
# Modules of the core whose tests stand elsewhere, because they are about more than the module.
ELSEWHERE = {
    "authorizer": "tests/contract/test_declarations.py",
    "aws": "tests/capabilities/test_both_sides.py",
    "batches": "tests/capabilities/test_queue.py",
    "capabilities": "tests/contract/test_capabilities.py",
    "catalogue": "tests/contract/test_declarations.py",
    "discover": "tests/contract/test_declarations.py",
    "email_tokens": "tests/core/test_email_addresses.py",
    "event": "tests/contract/test_declarations.py",
    "expiry": "tests/core/test_connections.py",
    "frames": "tests/contract/test_access.py",
    "function": "tests/contract/test_declarations.py",
    "binding": "tests/core/test_http.py",
    **dict.fromkeys(
        (
            f"letters/{kind}"
            for kind in (
                "account_deleted",
                "change_email",
                "confirm_registration",
                "email_changed",
                "email_taken",
                "invitation",
                "identity_linked",
                "password_changed",
                "reset_password",
                "team_over_plan",
                "usage_notice",
                "verify_email",
                "times",
            )
        ),
        "tests/core/letters/test_kinds.py",
    ),
    "inquiries": "tests/core/test_accounts.py",
    "object_names": "tests/capabilities/test_objects.py",
    "openapi": "tests/contract/test_shells.py",
    "queue": "tests/contract/test_declarations.py",
    "roles": "tests/stacks/local/test_postgres.py",
    "reply": "tests/contract/test_shells.py",
    "runs/lease": "tests/core/runs/test_reconcile.py",
    "route": "tests/contract/test_declarations.py",
    "schedule": "tests/contract/test_declarations.py",
    "single": "tests/contract/test_shells.py",
    "socket": "tests/contract/test_declarations.py",
    "task": "tests/contract/test_declarations.py",
    "thread_connection": "tests/core/test_db.py",
    "users": "tests/core/test_accounts.py",
    "usage/meters": "tests/core/usage/test_series.py",
    "worker_network": "tests/capabilities/test_worker_network.py",
}
# Modules of the core without any test of their own. Only ever remove from here.
WITHOUT_TEST = {"clock", "texts"}
# Longer than MAX_LINES. Only ever remove from here.
LONG = {"tests/core/files/test_file.py"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_longer_than_a_reader_bears(folder: str) -> None:
    long = {n: len(p.read_text().splitlines()) for n, p in SOURCES.items() if n.startswith(f"{folder}/")}
    too_long = {n: lines for n, lines in long.items() if lines > MAX_LINES and n not in LONG}
    assert not too_long, f"split in two nouns: {too_long}"


def test_no_file_is_named_for_a_layer() -> None:
    bad = [n for n, path in SOURCES.items() if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES]
    assert not bad, f"name them for a noun or a verb of the domain: {bad}"


def test_packages_have_empty_inits() -> None:
    full = [n for n, path in SOURCES.items() if path.name == "__init__.py" and path.read_text().strip()]
    assert not full, f"{full}: an __init__ with code is imported by everybody"


def test_every_module_of_the_core_has_its_test() -> None:
    modules = {
        n.removeprefix(f"{CORE}/") for n in PRODUCT if n.startswith(f"{CORE}/") and not n.endswith("__init__.py")
    }
    tested = {n.removeprefix("tests/core/").replace("test_", "") for n in SOURCES if n.startswith("tests/core/")}
    missing = {m.removesuffix(".py") for m in modules - tested}
    new = sorted(missing - WITHOUT_TEST - ELSEWHERE.keys())
    assert not new, f"add tests/core/[…/]test_<name>.py for {new}"
    for module, file in ELSEWHERE.items():
        assert file in SOURCES and f"{module}.py" in modules, f"{module}: its test {file} is gone"
    assert not WITHOUT_TEST - missing, f"remove {sorted(WITHOUT_TEST - missing)} from WITHOUT_TEST: there is a test now"
