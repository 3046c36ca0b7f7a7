"""Cold start is what a function-per-route platform pays for: every handler imports in an empty environment, without the
network, and brings along no more than its budget of modules."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from slipway import discover

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ":".join(map(str, (ROOT, ROOT / "layers/core", ROOT / "layers/sandbox")))
FUNCTIONS = {f.spec.name: f for f in discover.functions()}
NEVER = {
    "fastapi",
    "starlette",
    "mangum",
    "uvicorn",
    "boto3",
    "botocore",
    "argon2",
    "stacks",
    "aws_cdk",
    "urllib3",
    "anyio",
}
VERIFIES_OR_SIGNS = {
    "authorizer_http",
    "event_migrate",
    "oidc_start",
    "oidc_exchange",
    "oidc_log_in",
    "identities_link",
}
# These load PyJWT without a need: their noun imports it for another verb. Only ever remove from here.
LOADS_JWT = {"meta_keys"}
# How many modules a fresh interpreter loads for it; measured, and about 15 % more. Before raising one, look at what is
# new in it: `python -X importtime -c "import functions.http.projects.get"`.
BUDGETS = {
    "meta_version": 187,
    "projects_get": 455,
    "accounts_login": 285,
    "runs_create": 465,
    "rooms_subscribe": 455,
    "queue_runs": 545,
    "schedule_sweep": 200,
    "event_worker_changed": 420,
    "authorizer_http": 335,
    "task_run": 30,
}

FIRST_ANSWER = 565


def heavy(found: Iterable[str]) -> set[str]:
    """The packages of NEVER; Powertools looks at botocore's bare `__init__`, which is half a millisecond."""
    return NEVER & {module.partition(".")[0] for module in found if module != "botocore"}


def fresh(start: str, modules: list[str]) -> dict[str, set[str]]:
    """Module to the modules that importing it loads, in an interpreter of its own with an empty environment."""
    program = Path(__file__).with_name("fresh_import.py")
    done = subprocess.run(
        [sys.executable, "-I", program, FOLDERS, start, *modules], env={}, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return {module: set(found) for module, found in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """By function; what all have in common is left out."""
    found = fresh("warm", [f.spec.module for f in FUNCTIONS.values()])
    return {name: found[f.spec.module] for name, f in FUNCTIONS.items()}


def test_every_handler_imports_with_an_empty_environment_and_no_network(loaded: dict[str, set[str]]) -> None:
    assert loaded.keys() == FUNCTIONS.keys()
    for name, found in loaded.items():
        assert FUNCTIONS[name].spec.module in found


def test_no_handler_loads_a_web_framework_or_an_sdk(loaded: dict[str, set[str]]) -> None:
    for name, found in loaded.items():
        assert not heavy(found), f"{name} imports {sorted(heavy(found))}: import it inside the function that needs it"


def test_no_handler_loads_another(loaded: dict[str, set[str]]) -> None:
    own = {f.spec.module for f in FUNCTIONS.values()}
    for name, found in loaded.items():
        assert found & own == {FUNCTIONS[name].spec.module}, f"{name} imports another function"


def test_only_who_signs_or_verifies_loads_cryptography(loaded: dict[str, set[str]]) -> None:
    loading = {name for name, found in loaded.items() if "jwt" in found}
    assert loading >= VERIFIES_OR_SIGNS, "the control: these do"
    needless = loading - VERIFIES_OR_SIGNS
    assert not needless - LOADS_JWT, f"{sorted(needless - LOADS_JWT)} now load PyJWT: import it where it is used"
    assert not LOADS_JWT - needless, f"remove {sorted(LOADS_JWT - needless)} from LOADS_JWT: they load it no longer"


@pytest.mark.parametrize("name", BUDGETS)
def test_a_cold_import_stays_within_its_budget(name: str) -> None:
    module = FUNCTIONS[name].spec.module
    found = fresh("cold", [module])[module]
    assert len(found) <= BUDGETS[name], f"{name} loads {len(found)} modules, {BUDGETS[name]} are allowed"
    assert len(found) > BUDGETS[name] * 0.6, f"{name} loads only {len(found)} modules now: lower its budget"


def test_the_first_answer_loads_no_framework_either() -> None:
    """What is imported at the first call counts as well."""
    program = f"""
import sys; sys.path[:0] = {FOLDERS.split(":")!r}
from functions.http.meta.version import version
request = {{"requestId": "r", "http": {{"method": "GET"}}}}
assert version({{"rawPath": "/v1", "headers": {{}}, "requestContext": request}}, None)["statusCode"] == 200
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], env={}, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    assert "psycopg" in found, "the control: this is what it loads"
    assert not heavy(found)
    assert len(found) <= FIRST_ANSWER, f"the first answer loads {len(found)} modules, {FIRST_ANSWER} are allowed"


def test_every_kind_has_a_budget() -> None:
    assert {FUNCTIONS[name].kind for name in BUDGETS} == {f.kind for f in FUNCTIONS.values()}
