"""Declared functions as Lambda functions: code, layers, role, log group, published version and the alias `live`.

L1 constructs, because CloudFormation stops at 500 resources a stack and the L2 construct spends more of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from slipway.capabilities import WORKER_NETWORK
from slipway.function import Function

from stacks import capabilities, code, layer, nag, standing
from stacks.capabilities import Statement
from stacks.environment import Environment
from stacks.places import STAGE, Places

RUNTIME = f"python{layer.PYTHON}"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function as other resources refer to it: always by its alias, so that code and layer change together."""

    function: Function
    alias: lambda_.CfnAlias
    role: iam.CfnRole
    digest: str  # of all that the published version freezes

    @property
    def arn(self) -> str:
        return self.alias.ref


def construct_id(function: Function) -> str:
    """`functions.http.projects.create` -> HttpProjectsCreate."""
    parts = function.spec.module.split(".")[1:]
    return "".join(word.capitalize() for part in parts for word in part.split("_"))


def physical_name(prefix: str, function: Function) -> str:
    """`slipway-prod-http-projects-create`, at most 64 characters as Lambda asks."""
    name = "-".join([prefix, *function.spec.module.split(".")[1:]])
    if len(name) > 64:
        raise ValueError(f"{function.spec.module}: the Lambda name {name} is longer than 64: shorten the file's name")
    return name


def invocation_uri(arn: str) -> str:
    """How API Gateway writes "invoke this function"."""
    return f"arn:{cdk.Aws.PARTITION}:apigateway:{cdk.Aws.REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"


class Lambdas:
    """Makes the functions of one stack. Its layers are made here from the same two assets in every stack: a layer
    exported from one stack and imported by others could never be replaced."""

    def __init__(
        self, stack: cdk.Stack, environment: Environment, places: Places, log_name: str, packages: str = "deps"
    ) -> None:
        """`log_name`: of the stack's log group. One for all functions of a stack, because they are read together and
        a group for each would spend a resource. `packages`: which layer of third-party packages (stacks/layer.py)."""
        self.stack = stack
        self.environment = environment
        self.places = places
        self.log_name = log_name
        self.log_group = logs.CfnLogGroup(
            stack,
            "Logs",
            log_group_name=places.names.log_group(log_name),
            retention_in_days=environment.log_days,
        )
        self._code: dict[str, s3_assets.Asset] = {}
        self._layer_hashes: list[str] = []
        third_party = self._layer(packages.capitalize(), str(layer.named(packages)))
        self._layers = [self._layer("Core", str(code.core())), third_party]

    def _layer(self, name: str, path: str) -> str:
        asset = s3_assets.Asset(self.stack, f"{name}LayerCode", path=path)
        self._layer_hashes.append(asset.asset_hash)
        content = lambda_.CfnLayerVersion.ContentProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key)
        made = lambda_.CfnLayerVersion(
            self.stack,
            f"{name}Layer",
            content=content,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=["arm64"],
        )
        return made.ref

    def _asset(self, function: Function) -> s3_assets.Asset:
        path = str(code.of(function))
        if path not in self._code:
            self._code[path] = s3_assets.Asset(self.stack, f"{construct_id(function)}Code", path=path)
        return self._code[path]

    def add(self, function: Function, *extra: Statement) -> Deployed:
        """`extra`: what the trigger itself needs from the function's role, as an event source mapping does."""
        grants = capabilities.merge(capabilities.grant(used, self.places) for used in function.spec.uses)
        inside = capabilities.side(function, self.places) == "inside"
        name = physical_name(self.places.names.prefix, function)
        statements = [*standing.statements(self.places.names, name, self.log_name, inside), *extra]
        role = self._role(construct_id(function), [*statements, *grants.statements])
        made = self._function(function, name, role, grants.environment, inside)
        digest = self._digest(function, made)
        return Deployed(function, self._publish(function, made, digest), role, digest)

    def _role(self, name: str, statements: list[Statement]) -> iam.CfnRole:
        role = iam.CfnRole(
            self.stack,
            f"{name}Role",
            assume_role_policy_document=standing.trust("lambda.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="grants",
                    policy_document={"Version": "2012-10-17", "Statement": [one.json() for one in statements]},
                )
            ],
        )
        nag.explain_wildcards(self.stack, role, statements)
        return role

    def _function(
        self, function: Function, name: str, role: iam.CfnRole, environment: dict[str, str], inside: bool
    ) -> lambda_.CfnFunction:
        spec, asset = function.spec, self._asset(function)
        made = lambda_.CfnFunction(
            self.stack,
            construct_id(function),
            function_name=name,
            description=spec.summary,
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key),
            handler=spec.handler,
            runtime=RUNTIME,
            architectures=["arm64"],
            layers=self._layers,
            memory_size=spec.memory,
            timeout=spec.timeout,
            role=role.attr_arn,
            environment={"variables": {**self._standing_environment(function), **environment}},
            logging_config={"logGroup": self.log_group.ref, "logFormat": "JSON"},
            vpc_config=self._network(function) if inside else None,
        )
        nag.acknowledge(
            made,
            "AwsSolutions-L1",
            "the layer's wheels are locked and tested for this Python; a newer runtime is a change of the lock",
        )
        return made

    def _standing_environment(self, function: Function) -> dict[str, str]:
        return {
            "SLIPWAY_STAGE": self.environment.name,
            "SLIPWAY_FUNCTION": function.spec.name,
            "SLIPWAY_PUBLIC_URL": self.places.public_url,
            "SLIPWAY_SOCKET_URL": self.places.socket_url,
            "SLIPWAY_WEB_URL": self.places.web_url,
            "SLIPWAY_REGISTRATION": self.environment.registration,
        }

    def _network(self, function: Function) -> dict[str, Any]:
        groups = [self.places.function_group]
        if WORKER_NETWORK in function.spec.uses:
            groups.append(self.places.dispatcher_group)
        return {"subnetIds": list(self.places.isolated_subnets), "securityGroupIds": groups}

    def _digest(self, function: Function, made: lambda_.CfnFunction) -> str:
        frozen = [
            self._asset(function).asset_hash,
            *self._layer_hashes,
            self.stack.resolve(made.environment),
            self.stack.resolve(made.vpc_config),
            function.spec.handler,
            function.spec.memory,
            function.spec.timeout,
        ]
        return hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()[:12]

    def _publish(self, function: Function, made: lambda_.CfnFunction, digest: str) -> lambda_.CfnAlias:
        """A version is immutable, so a new one, under a new id, is made whenever anything it freezes has changed."""
        version = lambda_.CfnVersion(
            self.stack, f"{construct_id(function)}Version{digest}", function_name=made.ref, description=digest
        )
        return lambda_.CfnAlias(
            self.stack,
            f"{construct_id(function)}Live",
            name=STAGE,
            function_name=made.ref,
            function_version=version.attr_version,
        )

    def permit(self, deployed: Deployed, principal: str, source_arn: str) -> lambda_.CfnPermission:
        """Let `principal` invoke the alias, on behalf of `source_arn` only."""
        return lambda_.CfnPermission(
            self.stack,
            f"{construct_id(deployed.function)}Permission",
            action="lambda:InvokeFunction",
            function_name=deployed.arn,
            principal=principal,
            source_arn=source_arn,
        )
