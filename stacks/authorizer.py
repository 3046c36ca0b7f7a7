"""The functions that say who is calling, as API Gateway's authorizers. One for each API."""

from __future__ import annotations

from aws_cdk import aws_apigatewayv2 as api
from slipway import discover

from stacks.lambdas import Lambdas, invocation_uri

SOURCES = {"http": "$request.header.Authorization", "socket": "route.request.querystring.ticket"}


def attach(lambdas: Lambdas, kind: str, api_id: str) -> api.CfnAuthorizer | None:
    """The authorizer of this API, or None when no function declares it.

    The HTTP API takes the simple response and caches it by the credential; a WebSocket API knows neither. A request
    without the identity source is answered 401 without a call.
    """
    found = [one for one in discover.authorizers() if one.spec.api == kind]
    if not found:
        return None
    deployed = lambdas.add(found[0])
    http = kind == "http"
    made = api.CfnAuthorizer(
        lambdas.stack,
        "Authorizer",
        api_id=api_id,
        name=found[0].spec.name,
        authorizer_type="REQUEST",
        identity_source=[SOURCES[kind]],
        authorizer_uri=invocation_uri(deployed.arn),
        authorizer_payload_format_version="2.0" if http else None,
        enable_simple_responses=True if http else None,
        authorizer_result_ttl_in_seconds=found[0].spec.cache_seconds if http else None,
    )
    # By the alias in the invocation URI, hence the permission on the alias; the source is this one authorizer.
    lambdas.permit(
        deployed,
        "apigateway.amazonaws.com",
        lambdas.places.names.arn("execute-api", f"{api_id}/authorizers/{made.ref}"),
    )
    return made
