"""The two front doors, bare: an HTTP API and a WebSocket API. Every function knows their addresses, so they come
before all functions; what is behind them comes later (routes, then `http` and `socket`)."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from constructs import Construct

from stacks import cors
from stacks.environment import Environment
from stacks.places import STAGE, Names


class Edge(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, names: Names, env: cdk.Environment) -> None:
        super().__init__(scope, f"{names.prefix}-edge", env=env)
        self.http = api.CfnApi(
            self,
            "Http",
            name=f"{names.prefix}-http",
            protocol_type="HTTP",
            cors_configuration=api.CfnApi.CorsProperty(
                allow_origins=list(environment.cors_origins),
                allow_methods=list(cors.METHODS),
                allow_headers=list(cors.REQUEST_HEADERS),
                expose_headers=list(cors.RESPONSE_HEADERS),
                max_age=cors.MAX_AGE_SECONDS,
            ),
        )
        self.socket = api.CfnApi(
            self,
            "Socket",
            name=f"{names.prefix}-socket",
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
        )
        cdk.CfnOutput(self, "PublicUrl", value=public_url(environment, self.http.ref))
        cdk.CfnOutput(self, "SocketUrl", value=socket_url(environment, self.socket.ref))


def _host(api_id: str) -> str:
    return f"{api_id}.execute-api.{cdk.Aws.REGION}.amazonaws.com"


def public_url(environment: Environment, api_id: str) -> str:
    return f"https://{environment.domain or _host(api_id)}"


def socket_url(environment: Environment, api_id: str) -> str:
    own = environment.socket_domain
    return f"wss://{own}" if own else f"wss://{_host(api_id)}/{STAGE}"


def serve_under(stack: cdk.Stack, domain: str, certificate: str, api_id: str, stage: api.CfnStage) -> None:
    """The API under a domain of its own. The DNS record is the operator's: the output says where it points."""
    name = api.CfnDomainName(
        stack,
        "Domain",
        domain_name=domain,
        domain_name_configurations=[
            {"certificateArn": certificate, "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}
        ],
    )
    api.CfnApiMapping(stack, "DomainMapping", api_id=api_id, domain_name=name.ref, stage=stage.ref)
    cdk.CfnOutput(stack, "DomainTarget", value=name.attr_regional_domain_name)
