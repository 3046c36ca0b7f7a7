from __future__ import annotations

import json

from slipway import discover

from stacks import http
from tests.stacks.conftest import Assembly, flat


def test_every_declared_route_is_a_route_and_the_other_way_round(assembly: Assembly) -> None:
    keys = [p["RouteKey"] for (stack, _), p in assembly.of("AWS::ApiGatewayV2::Route").items() if "routes" in stack]
    assert sorted(keys) == sorted(route.spec.key for route in discover.routes())


def test_a_route_goes_without_the_authorizer_exactly_when_it_is_declared_public(assembly: Assembly) -> None:
    routes = {p["RouteKey"]: p for p in assembly.of("AWS::ApiGatewayV2::Route").values()}
    for declared in discover.routes():
        made = routes[declared.spec.key]
        public = declared.spec.allow == "public"
        assert made["AuthorizationType"] == ("NONE" if public else "CUSTOM"), declared.spec.key
        assert ("AuthorizerId" in made) != public


def test_a_route_leads_to_the_alias_of_its_own_function(assembly: Assembly) -> None:
    """Followed by its references: route, integration, alias, function."""
    for (stack, _), route in assembly.of("AWS::ApiGatewayV2::Route").items():
        if not stack.startswith("routes-"):
            continue
        integration = assembly.resources[stack, route["Target"]["Fn::Join"][1][1]["Ref"]]["Properties"]
        alias = assembly.resources[stack, integration["IntegrationUri"]["Ref"]]["Properties"]
        function = assembly.resources[stack, alias["FunctionName"]["Ref"]]["Properties"]
        (declared,) = [r for r in discover.routes() if r.spec.key == route["RouteKey"]]
        assert function["Handler"] == declared.spec.handler
        assert alias["FunctionVersion"]["Fn::GetAtt"][1] == "Version"
        assert integration["PayloadFormatVersion"] == "2.0"


def test_the_gateway_may_invoke_a_function_for_its_own_route_only(assembly: Assembly) -> None:
    sources = {
        flat(p["SourceArn"])
        for (stack, _), p in assembly.of("AWS::Lambda::Permission").items()
        if stack.startswith("routes-")
    }
    api = f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{slipway-{assembly.name}-http-api}}"
    assert sources == {f"{api}/*/{r.spec.method}{r.spec.path}" for r in discover.routes()}


def test_a_throttle_of_its_own_becomes_the_stages_setting_for_that_route(assembly: Assembly) -> None:
    (stage,) = [p for (stack, _), p in assembly.of("AWS::ApiGatewayV2::Stage").items() if stack == "http"]
    own = {r.spec.key: r.spec.throttle for r in discover.routes() if r.spec.throttle != http.DEFAULT_RATE}
    assert {key: s["ThrottlingRateLimit"] for key, s in stage["RouteSettings"].items()} == own
    assert own, "no route has a throttle of its own: this test has lost its subject"
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == http.DEFAULT_RATE


def test_the_stage_comes_after_every_route_it_may_name(assembly: Assembly) -> None:
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    prefix = f"slipway-{assembly.name}-"
    needed = set(artifacts[f"{prefix}http"]["dependencies"])
    assert {f"{prefix}{stack}" for stack in assembly.templates if stack.startswith("routes-")} <= needed


def test_answers_of_the_authorizer_are_cached_as_it_declares(assembly: Assembly) -> None:
    (made,) = [p for (s, _), p in assembly.of("AWS::ApiGatewayV2::Authorizer").items() if s == "authorizer"]
    (declared,) = [a for a in discover.authorizers() if a.spec.api == "http"]
    assert made["AuthorizerResultTtlInSeconds"] == declared.spec.cache_seconds
    assert made["IdentitySource"] == ["$request.header.Authorization"]
    assert made["EnableSimpleResponses"] is True
