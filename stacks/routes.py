"""One stack for each folder of functions/http: a function, an integration and a route for every file."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from constructs import Construct
from slipway import discover
from slipway.route import Route

from stacks import authorizer, nag
from stacks.environment import Environment
from stacks.lambdas import Deployed, Lambdas, construct_id
from stacks.places import Places

PUBLIC = "public"


class NoAuthorizer(ValueError):
    """A route needs a caller, and nothing says who is calling."""


def domains() -> dict[str, list[Route]]:
    """The routes of every folder, in the order of the folders."""
    found: dict[str, list[Route]] = {}
    for route in discover.routes():
        found.setdefault(route.spec.domain, []).append(route)
    return found


class Authorizer(cdk.Stack):
    """Who is calling the HTTP API: after the database, before the routes, which name it."""

    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-authorizer", env=env)
        made = authorizer.attach(Lambdas(self, environment, places, "authorizer"), "http", places.http_api)
        self.id = made.ref if made else None


class Routes(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        places: Places,
        domain: str,
        routes: Sequence[Route],
        authorizer_id: str | None,
        env: cdk.Environment,
    ) -> None:
        super().__init__(scope, f"{environment.prefix}-routes-{domain}", env=env)
        self._places = places
        self._lambdas = Lambdas(self, environment, places, f"http/{domain}")
        for route in routes:
            if route.spec.allow != PUBLIC and authorizer_id is None:
                raise NoAuthorizer(
                    f'{route.spec.module} needs a caller: declare @authorizer("http") in functions/authorizer'
                )
            self._route(route, self._lambdas.add(route), authorizer_id)

    def _route(self, route: Route, deployed: Deployed, authorizer_id: str | None) -> None:
        spec, id = route.spec, construct_id(route)
        integration = api.CfnIntegration(
            self,
            f"{id}Integration",
            api_id=self._places.http_api,
            integration_type="AWS_PROXY",
            integration_uri=deployed.arn,
            payload_format_version="2.0",
            timeout_in_millis=min(spec.timeout * 1000, 29_000),
        )
        public = spec.allow == PUBLIC
        made = api.CfnRoute(
            self,
            f"{id}Route",
            api_id=self._places.http_api,
            route_key=spec.key,
            operation_name=spec.name,
            target=f"integrations/{integration.ref}",
            authorization_type="NONE" if public else "CUSTOM",
            authorizer_id=None if public else authorizer_id,
        )
        if public:
            nag.acknowledge(made, "AwsSolutions-APIG4", f"{spec.key} is declared public: nobody need log in for it")
        source = self._places.names.arn("execute-api", f"{self._places.http_api}/*/{spec.method}{spec.path}")
        self._lambdas.permit(deployed, "apigateway.amazonaws.com", source)
