from __future__ import annotations

from slipway import discover

from tests.stacks.conftest import Assembly


def test_every_declared_action_is_a_route(assembly: Assembly) -> None:
    made = {p["RouteKey"] for (stack, _), p in assembly.of("AWS::ApiGatewayV2::Route").items() if stack == "socket"}
    assert made == {socket.spec.action for socket in discover.sockets()}


def test_connect_and_nothing_else_asks_the_authorizer(assembly: Assembly) -> None:
    routes = [p for (stack, _), p in assembly.of("AWS::ApiGatewayV2::Route").items() if stack == "socket"]
    asked = {p["RouteKey"] for p in routes if p["AuthorizationType"] == "CUSTOM"}
    assert asked == {"$connect"}


def test_a_route_answers_exactly_when_somebody_is_there_to_read(assembly: Assembly) -> None:
    routes = {id: p for (stack, id), p in assembly.of("AWS::ApiGatewayV2::Route").items() if stack == "socket"}
    two_way = {p["RouteId"]["Ref"] for p in assembly.of("AWS::ApiGatewayV2::RouteResponse").values()}
    for id, route in routes.items():
        reads = route["RouteKey"] not in ("$connect", "$disconnect")
        assert (id in two_way) == ("RouteResponseSelectionExpression" in route) == reads


def test_the_ticket_in_the_query_is_the_identity(assembly: Assembly) -> None:
    (made,) = [p for (s, _), p in assembly.of("AWS::ApiGatewayV2::Authorizer").items() if s == "socket"]
    assert made["IdentitySource"] == ["route.request.querystring.ticket"]
