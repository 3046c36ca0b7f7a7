"""One stack for each folder of functions/http: a function, an integration and a route for every file.

In the profile `api: single` these stacks hold the routes alone, under the same ids, and stacks/single.py the function:
so a change of the profile leads living routes elsewhere, where a second stack could not create them a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from constructs import Construct
from slipway import discover
from slipway.route import Route

from stacks import authorizer, capabilities, nag
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


def integrate(deployed: Deployed, lambdas: Lambdas) -> str:
    """The HTTP API's way to a function: the integration's id."""
    made = api.CfnIntegration(
        lambdas.stack,
        f"{construct_id(deployed.function)}Integration",
        api_id=lambdas.places.http_api,
        integration_type="AWS_PROXY",
        integration_uri=deployed.arn,
        payload_format_version="2.0",
        timeout_in_millis=min(deployed.function.spec.timeout * 1000, 29_000),
    )
    return made.ref


class Routes(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        places: Places,
        domain: str,
        routes: Sequence[Route],
        authorizer_id: str | None,
        shared: str | None,
        env: cdk.Environment,
    ) -> None:
        """`shared`: the integration that routes lead to in place of a function for each, where they can."""
        super().__init__(scope, f"{environment.prefix}-routes-{domain}", env=env)
        self._places = places
        own = [route for route in routes if not shared or capabilities.only_outside(route, places)]
        integrations = dict.fromkeys(routes, shared or "")
        if own:
            lambdas = Lambdas(self, environment, places, f"http/{domain}")
            integrations |= {route: self._own(route, lambdas) for route in own}
        for route, integration in integrations.items():
            self._route(route, integration, authorizer_id)

    def _own(self, route: Route, lambdas: Lambdas) -> str:
        deployed = lambdas.add(route)
        source = self._places.names.arn(
            "execute-api", f"{self._places.http_api}/*/{route.spec.method}{route.spec.path}"
        )
        lambdas.permit(deployed, "apigateway.amazonaws.com", source)
        return integrate(deployed, lambdas)

    def _route(self, route: Route, integration: str, authorizer_id: str | None) -> None:
        spec = route.spec
        public = spec.allow == PUBLIC
        if not public and authorizer_id is None:
            raise NoAuthorizer(f'{spec.module} needs a caller: declare @authorizer("http") in functions/authorizer')
        made = api.CfnRoute(
            self,
            f"{construct_id(route)}Route",
            api_id=self._places.http_api,
            route_key=spec.key,
            operation_name=spec.name,
            target=f"integrations/{integration}",
            authorization_type="NONE" if public else "CUSTOM",
            authorizer_id=None if public else authorizer_id,
        )
        if public:
            nag.acknowledge(made, "AwsSolutions-APIG4", f"{spec.key} is declared public: nobody need log in for it")
