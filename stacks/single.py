"""The profile `api: single`: one function, `slipway.single.handler`, behind one integration that all routes lead to, but
for those that need the internet: it stands inside of the VPC, so they keep functions of their own.

After a change back to `api: routes` this stack is no longer used and stays until somebody deletes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import aws_cdk as cdk
from constructs import Construct
from slipway import discover
from slipway.function import Function, Spec
from slipway.route import Route

from stacks import capabilities, routes
from stacks.environment import Environment
from stacks.lambdas import Lambdas
from stacks.places import Places


class Shell(Function):
    """These routes as one function: it may touch what any of them declares, and has what the greediest needs. Each
    request is still held to its own route's declaration, by `slipway.capabilities.granting`, though no longer by IAM.
    """

    kind: ClassVar[str] = "single"

    def __init__(self, found: Sequence[Route]) -> None:
        self.spec = Spec(
            name="single",
            module="slipway.single",
            attribute="handler",
            domain="http",
            summary="All routes of the HTTP API",
            uses=tuple(dict.fromkeys(used for route in found for used in route.spec.uses)),
            memory=max(route.spec.memory for route in found),
            timeout=max(route.spec.timeout for route in found),
        )


class Single(cdk.Stack):
    """After the database, before the routes, which name its integration."""

    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-single", env=env)
        lambdas = Lambdas(self, environment, places, "http/single", packages="single")
        inner = [route for route in discover.routes() if not capabilities.only_outside(route, places)]
        deployed = lambdas.add(Shell(inner))
        lambdas.permit(deployed, "apigateway.amazonaws.com", places.names.arn("execute-api", f"{places.http_api}/*/*"))
        self.integration = routes.integrate(deployed, lambdas)
