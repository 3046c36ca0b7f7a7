"""The WebSocket API: its actions, the authorizer of `$connect`, the stage."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct
from slipway import discover
from slipway.socket import Socket as SocketFunction

from stacks import authorizer, edge, nag, standing
from stacks.environment import Environment
from stacks.http import access_format
from stacks.lambdas import Deployed, Lambdas, construct_id, invocation_uri
from stacks.places import STAGE, Places
from stacks.routes import NoAuthorizer

CONNECT = "$connect"
PUSH_TO_LOGS = "iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
ONE_WAY = (CONNECT, "$disconnect")  # nobody is there to read an answer


class Socket(cdk.Stack):
    def __init__(self, scope: Construct, environment: Environment, places: Places, env: cdk.Environment) -> None:
        super().__init__(scope, f"{environment.prefix}-socket", env=env)
        self._places = places
        self._lambdas = Lambdas(self, environment, places, "socket")
        made = authorizer.attach(self._lambdas, "socket", places.socket_api)
        self._authorizer = made.ref if made else None
        routes = [self._route(function, self._lambdas.add(function)) for function in discover.sockets()]
        stage = self._stage(environment)
        for route in routes:
            stage.add_resource_dependency(route)
        if environment.socket_domain:
            edge.serve_under(self, environment.socket_domain, environment.certificate, places.socket_api, stage)

    def _route(self, function: SocketFunction, deployed: Deployed) -> api.CfnRoute:
        action, id = function.spec.action, construct_id(function)
        if action == CONNECT and self._authorizer is None:
            raise NoAuthorizer('$connect needs a caller: declare @authorizer("socket") in functions/authorizer')
        integration = api.CfnIntegration(
            self,
            f"{id}Integration",
            api_id=self._places.socket_api,
            integration_type="AWS_PROXY",
            integration_uri=invocation_uri(deployed.arn),
        )
        made = api.CfnRoute(
            self,
            f"{id}Route",
            api_id=self._places.socket_api,
            route_key=action,
            operation_name=function.spec.name,
            target=f"integrations/{integration.ref}",
            authorization_type="CUSTOM" if action == CONNECT else "NONE",
            authorizer_id=self._authorizer if action == CONNECT else None,
            route_response_selection_expression=None if action in ONE_WAY else "$default",
        )
        if action != CONNECT:
            nag.acknowledge(
                made,
                "AwsSolutions-APIG4",
                "a WebSocket API authorizes $connect only; each action checks the caller's rights anew",
            )
        if action not in ONE_WAY:
            self._answer(id, made)
        source = self._places.names.arn("execute-api", f"{self._places.socket_api}/{STAGE}/{action}")
        self._lambdas.permit(deployed, "apigateway.amazonaws.com", source)
        return made

    def _answer(self, id: str, route: api.CfnRoute) -> None:
        """Makes the route two-way: without it the function's return value is dropped."""
        api.CfnRouteResponse(
            self,
            f"{id}Answer",
            api_id=self._places.socket_api,
            route_id=route.ref,
            route_response_key="$default",
        )

    def _stage(self, environment: Environment) -> api.CfnStage:
        group = logs.CfnLogGroup(
            self,
            "Access",
            log_group_name=self._places.names.log_group("access/socket"),
            retention_in_days=environment.log_days,
        )
        connection = {"connection": "$context.connectionId", "event": "$context.eventType"}
        stage = api.CfnStage(
            self,
            "Stage",
            api_id=self._places.socket_api,
            stage_name=STAGE,
            auto_deploy=True,
            access_log_settings={"destinationArn": group.attr_arn, "format": access_format(**connection)},
            default_route_settings={
                "throttlingRateLimit": environment.socket_rate,
                "throttlingBurstLimit": 2 * environment.socket_rate,
                "detailedMetricsEnabled": environment.standard,
            },
        )
        stage.add_resource_dependency(self._log_permission())
        return stage

    def _log_permission(self) -> apigateway.CfnAccount:
        """A WebSocket API writes its access log with a role that is set once for the whole account and region. It is
        kept when this environment goes, since another one in the same account may use it."""
        role = iam.CfnRole(
            self,
            "AccessLogRole",
            assume_role_policy_document=standing.trust("apigateway.amazonaws.com"),
            managed_policy_arns=[f"arn:{cdk.Aws.PARTITION}:{PUSH_TO_LOGS}"],
        )
        nag.acknowledge(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:{PUSH_TO_LOGS}]",
            "API Gateway checks for this very policy when the account's role is set; it is one for all APIs",
        )
        account = apigateway.CfnAccount(self, "AccessLogAccount", cloud_watch_role_arn=role.attr_arn)
        for kept in (role, account):
            kept.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return account
